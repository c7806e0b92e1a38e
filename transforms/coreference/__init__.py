"""References back to actors named before: who each pronoun and description means."""

from transforms.coreference.resolve import resolve_references

__all__ = ["resolve_references"]
