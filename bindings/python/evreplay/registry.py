"""What is known of operators beyond PyTorch's own, in the default context. Each function is a method of Context too."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from .context import default_context


def register_namespace(name: str, sources: str | Sequence[str]) -> None:
    """See Context.register_namespace()."""
    default_context().register_namespace(name, sources)


def register_alias(op: str, target: str) -> None:
    """See Context.register_alias()."""
    default_context().register_alias(op, target)


def register_string_default(argument: str, value: str) -> None:
    """See Context.register_string_default()."""
    default_context().register_string_default(argument, value)


def register_symm_mem_args(op: str, names: Sequence[str]) -> None:
    """See Context.register_symm_mem_args()."""
    default_context().register_symm_mem_args(op, names)


def register_callable(op: str, function: Callable[..., Any] | None) -> None:
    """See Context.register_callable()."""
    default_context().register_callable(op, function)


def set_init_option(key: str, value: object) -> None:
    """See Context.set_init_option()."""
    default_context().set_init_option(key, value)


def configure(text: str | bytes) -> None:
    """See Context.configure()."""
    default_context().configure(text)


def configure_file(path: str | os.PathLike[str]) -> None:
    """See Context.configure_file()."""
    default_context().configure_file(path)


def allow_unknown_imports(allow: bool = True) -> None:
    """See Context.allow_unknown_imports()."""
    default_context().allow_unknown_imports(allow)
