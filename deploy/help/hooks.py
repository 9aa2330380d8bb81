"""What `make docs` does beside mkdocs: a site that its own strict policy lets through.

The policy of /help (`crypitor/api/serving/manual.py`) allows scripts and styles from files of the
site alone. So each script that the theme writes into a page becomes a file, named by its digest.
"""

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

SCRIPT = re.compile(r"<script>(.+?)</script>", re.DOTALL)
OUTSIDE = re.compile(
    r"\[([^\]]+)\]\((?:\.\./)+(?:examples|deploy|CHANGELOG|tests|crypitor|config[.]toml)[^)]*\)"
)
FILE = re.compile(r"<!-- file: (\S+) (\w+) -->")
# Maps for who debugs the theme, and languages of the search that no page is in.
SURPLUS = ("assets/**/*.map", "assets/javascripts/lunr")

_scripts: dict[str, str] = {}


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Turn links to files of the repository that are no pages into their text.

    And put a file of the repository, whole, where a page asks for it.
    """
    root = Path(config["config_file_path"]).parent

    def whole(found: re.Match[str]) -> str:
        text = (root / found[1]).read_text(encoding="utf-8").strip()
        return f"```{found[2]}\n{text}\n```"

    return OUTSIDE.sub(r"\1", FILE.sub(whole, markdown))


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Replace each script of a page by a file of the same content."""
    return _without_scripts(output, page.url)


def on_post_build(config: Any) -> None:
    """Write the scripts, and take out what nobody loads."""
    site = Path(config["site_dir"])
    for name, script in _scripts.items():
        (site / "assets" / name).write_text(script, encoding="utf-8")
    for pattern in SURPLUS:
        for path in site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    # They name a time, or an address that the site does not know.
    for name in ("404.html", "sitemap.xml", "sitemap.xml.gz"):
        (site / name).unlink(missing_ok=True)


def _without_scripts(html: str, url: str) -> str:
    up = "../" * url.count("/")

    def as_file(found: re.Match[str]) -> str:
        script = found[1]
        name = f"{hashlib.sha256(script.encode()).hexdigest()[:16]}.js"
        _scripts[name] = script
        return f'<script src="{up}assets/{name}"></script>'

    return SCRIPT.sub(as_file, html)
