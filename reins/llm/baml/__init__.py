"""The only package that holds BAML. Its environment is set here, before any module imports it."""

import os

# BAML reads these when it is imported, and it must read them wherever it is imported: its log would
# print full prompts to stdout, and its messages would carry Rust stack traces.
os.environ["BAML_LOG"] = "off"
os.environ["BAML_INTERNAL_LOG"] = "off"
os.environ["RUST_LIB_BACKTRACE"] = "0"
