"""The exceptions of BAML, which are asked of this package."""

from baml_py.errors import BamlError, BamlInvalidArgumentError

__all__ = ["BamlError", "BamlInvalidArgumentError"]
