"""The templates of pages and cards."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dfdetect import __version__
from dfdetect.render.markdown import code, escape, fence, plain
from dfdetect.render.table import markdown, noted
from dfdetect.render.text import encodable, short, show
from face_extraction.wording import plural

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: Any) -> str:
    """Fill in a template.

    Args:
        template: its file name. A ".html.j2" escapes everything that it shows; others escape with filters.
        **values: the names that it uses.

    Raises:
        jinja2.UndefinedError: it uses another name.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(version=__version__, plural=plural)
    environment.filters.update(
        show=show, short=short, plain=plain, md=escape, code=code, fence=fence, markdown=markdown, noted=noted
    )
    environment.filters["thousands"] = "{:,}".format
    return environment


def _finalize(value: Any) -> Any:
    return encodable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
