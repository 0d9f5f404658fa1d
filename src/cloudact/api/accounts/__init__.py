"""An organization's subscription, life cycle, locale and pipelines, over HTTP."""
