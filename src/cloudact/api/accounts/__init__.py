"""An organization's subscription, life cycle, locale, labels and pipelines, over HTTP."""
