"""Comparing what is with what is declared, and deciding what may be done: values in, values out."""
