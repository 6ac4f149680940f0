"""What the library says in English, a refusal or a diagnosis, in the session's language."""

from __future__ import annotations

from deconvviz.checks.audit import words
from lessons._kit.form.i18n import current_language


def said(sentence: object) -> str:
    """The sentence in the session's language; as it is where it is not known.

    >>> said("the target is 0")
    'the target is 0'
    """
    return words.translated(str(sentence), current_language())
