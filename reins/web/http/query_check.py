"""The check of the query string, before a request reaches its own models."""

from flask import current_app, request

from reins.web.http.problem import RequestRefusedError, unfit


def query_is_known() -> None:
    """Each query parameter once, and none where none is taken. Raises: RequestRefusedError."""
    if not request.args or request.endpoint is None or not request.path.startswith("/api/"):
        return
    for name, values in request.args.lists():
        if len(values) > 1:
            raise unfit(f"query.{name[:60]}", f"given {len(values)} times; give it once")
    view = current_app.view_functions[request.endpoint]
    if "query" not in view.__annotations__:
        names = ", ".join(sorted(request.args))[:200]
        flaws = [
            {"where": f"query.{name[:60]}", "what": "unknown parameter"} for name in request.args
        ]
        raise RequestRefusedError(
            422,
            f"{names} was given; this address takes no query parameters: leave it out",
            flaws[:20],
        )
