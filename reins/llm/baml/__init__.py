"""The only package that holds BAML. Its environment is set here, before any module imports it."""

import os

# BAML reads these when it is imported, and it must read them wherever it is imported: its log would
# print full prompts to stdout, and its messages would carry Rust stack traces.
os.environ["BAML_LOG"] = "off"
os.environ["BAML_INTERNAL_LOG"] = "off"
os.environ["RUST_LIB_BACKTRACE"] = "0"
# With HTTP_PROXY set, calls to loopback, and the offline model's token, would go to the proxy.
_direct = (os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or "").split(",")
_direct += [host for host in ("127.0.0.1", "localhost", "::1") if host not in _direct]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, _direct))
