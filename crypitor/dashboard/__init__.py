"""What people look at: a folder a page, which `build` puts together in one `frame`."""

# The API's application has the pages in it, so it is imported first, wherever one begins.
import crypitor.api  # noqa: F401
