"""Log-in, sign-out, and the colours that a browser has chosen."""

from crypitor.dashboard.door.routes import enter, pages, show_door

__all__ = ["enter", "pages", "show_door"]
