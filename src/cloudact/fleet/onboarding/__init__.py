"""Onboarding many organizations: a file of requests, units of many, and a file of the keys that were issued."""
