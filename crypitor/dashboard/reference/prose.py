"""The document's descriptions as HTML: paragraphs, `code`, **strong**, [links](https://…). Pure."""

from markupsafe import Markup, escape

BREAK = "\n\n"


def prose(text: str) -> Markup:
    """Return a description as paragraphs."""
    parts = (part.strip() for part in text.split(BREAK))
    return Markup("").join(Markup("<p>{}</p>").format(inline(part)) for part in parts if part)


def inline(text: str) -> Markup:
    """Return one paragraph's text; a mark that has no end is text."""
    written: list[Markup] = []
    at = 0
    while at < len(text):
        marked = _marked(text, at)
        if marked is None:
            end = min(
                (f for f in (text.find(m, at + 1) for m in "`*[") if f > 0), default=len(text)
            )
            written.append(escape(text[at:end]))
            at = end
        else:
            part, at = marked
            written.append(part)
    return Markup("").join(written)


def _marked(text: str, at: int) -> tuple[Markup, int] | None:
    """Return what stands marked at a position, and where it ends; None where nothing is."""
    if text[at] == "`":
        end = text.find("`", at + 1)
        return None if end < 0 else (Markup("<code>{}</code>").format(text[at + 1 : end]), end + 1)
    if text.startswith("**", at):
        end = text.find("**", at + 2)
        if end < 0:
            return None
        return Markup("<strong>{}</strong>").format(inline(text[at + 2 : end])), end + 2
    if text[at] == "[":
        middle, end = text.find("](https://", at), text.find(")", at)
        if 0 <= middle < end:
            name, url = text[at + 1 : middle], text[middle + 2 : end]
            return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, name), end + 1
    return None
