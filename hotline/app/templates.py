"""Reads every template of an application before its first page is asked for.

To compile a page and all it is made of takes up to two seconds, in which nobody else is answered either. What was compiled is
kept where Python keeps its own compiled code, if that can be written; a template that was changed is compiled anew.
"""

import os
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemBytecodeCache

import hotline

CODE = Path(hotline.__file__).parent / "__pycache__"


def read_all(app: Flask) -> None:
    """Read, and where needed compile, all templates of an application."""
    env = app.jinja_env
    if env.bytecode_cache is None and os.access(CODE, os.W_OK):
        env.bytecode_cache = FileSystemBytecodeCache(str(CODE))
    for name in env.list_templates():
        env.get_template(name)
