"""Questions and their answers, made of the documentation that installed packages ship.

A document is a docstring without its first paragraph; its question is the first sentence of that
paragraph, which the document does not have. Beside these stand questions in people's words.
"""

import importlib
import inspect
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_SOURCES = (
    "pandas", "pandas:DataFrame", "pandas:Series.str", "numpy", "pyarrow.compute", "pyarrow:Table",
    "flask", "flask:Flask", "click", "click:Context", "pydantic", "pydantic:BaseModel",
)  # fmt: skip
_LEAST_CHARS = 200
_MOST_CHARS = 3_000
_LEAST_WORDS, _MOST_WORDS = 4, 40
ASKED = {
    "pandas.DataFrame.drop_duplicates": "get rid of rows that occur more than once",
    "pandas.DataFrame.fillna": "what do I do about missing numbers in a table",
    "pandas.DataFrame.groupby": "sums for each customer",
    "pandas.DataFrame.pivot_table": "a spreadsheet-like overview with totals in the margins",
    "pandas.DataFrame.melt": "turn wide data into long data",
    "pandas.DataFrame.merge": "combine two tables that share a column, as in a database",
    "pandas.DataFrame.sort_values": "order the rows by what stands in one column",
    "pandas.DataFrame.resample": "make monthly figures of daily ones",
    "pandas.DataFrame.rolling": "a moving average over the last seven entries",
    "pandas.DataFrame.sample": "pick some rows by chance",
    "pandas.DataFrame.to_csv": "save a table as text with commas",
    "pandas.DataFrame.rename": "give columns other names",
    "pandas.DataFrame.corr": "how strongly do two columns go together",
    "pandas.DataFrame.explode": "a row for each element of a list in a cell",
    "pandas.DataFrame.memory_usage": "how many bytes does my table take",
    "pandas.read_json": "load a file of JSON into a table",
    "pandas.to_datetime": "make dates out of strings",
    "pandas.cut": "put ages into groups such as child and adult",
    "pandas.Series.str.split": "break a text into pieces at a character",
    "pandas.Series.str.zfill": "put zeros in front until a number has five digits",
    "numpy.linspace": "evenly spaced numbers between two bounds",
    "numpy.where": "choose from one array or another by a condition",
    "numpy.argsort": "the order of indices that would make an array ascend",
    "numpy.percentile": "the value below which nine tenths of the data lie",
    "numpy.cumsum": "running totals",
    "numpy.histogram": "count how many values fall into each bin",
    "numpy.interp": "estimate values between known points by straight lines",
    "numpy.polyfit": "fit a curve through points by least squares",
    "numpy.unique": "the distinct elements and how often each comes",
    "numpy.clip": "keep values within a least and a greatest",
    "flask.redirect": "send the browser to another page",
    "flask.jsonify": "answer a request with JSON",
    "flask.flash": "show a message to the user on the next page",
    "flask.send_file": "let somebody download a file",
    "flask.abort": "end a request with not found",
    "flask.Flask.route": "say which function answers at an address",
    "flask.Flask.test_client": "try out an application without a server",
    "click.prompt": "ask whoever runs the program for a value",
    "click.confirm": "a yes or no question in the terminal",
    "click.progressbar": "show how far a long loop has come",
    "click.echo": "print in colour, and safely to any terminal",
    "click.edit": "open the user's editor on some text",
    "pydantic.BaseModel.model_dump": "a model as a plain dictionary",
    "pydantic.BaseModel.model_validate_json": "read an object from a JSON text and check it",
    "pydantic.field_validator": "check one attribute with a function of my own",
}
"""By people, of documents that are named."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the name of the document that answers it; `by` is who has asked it."""

    text: str
    answer: str
    by: str


def documents() -> dict[str, str]:
    """The documents by name. Shapes: 1,000 or so, of 200 to 3,000 characters."""
    found: dict[str, str] = {}
    for name, doc in _docs():
        body = _body(doc)
        if len(body) >= _LEAST_CHARS and body not in found.values():
            found[name] = body[:_MOST_CHARS]
    return found


def questions(seed: int = 19, made: int = 240, of_people: int = len(ASKED)) -> list[Question]:
    """So many of people, and so many that are made of first sentences, drawn by chance."""
    known = documents()
    firsts = {name: _first(doc) for name, doc in _docs() if name in known}
    often = Counter(firsts.values())
    fit = [
        Question(text, name, "rule")
        for name, text in sorted(firsts.items())
        if _LEAST_WORDS <= len(text.split()) <= _MOST_WORDS and often[text] == 1
        and text.lower() not in _plain(known[name]).lower()
    ]  # fmt: skip
    asked = [Question(text, name, "person") for name, text in ASKED.items() if name in known]
    chance = random.Random(seed)
    return chance.sample(asked, of_people) + chance.sample(fit, min(made, len(fit)))


def _docs() -> Iterator[tuple[str, str]]:
    for source in _SOURCES:
        module, _, path = source.partition(":")
        owner = importlib.import_module(module)
        for part in filter(None, path.split(".")):
            owner = getattr(owner, part)
        for name in sorted(dir(owner)):
            thing = inspect.getattr_static(owner, name, None)
            if not name.startswith("_") and not inspect.ismodule(thing):
                doc = inspect.getdoc(thing) or inspect.getdoc(getattr(owner, name, None))
                if doc:
                    yield f"{source.replace(':', '.')}.{name}", doc


def _body(doc: str) -> str:
    return doc.partition("\n\n")[2].strip()


def _first(doc: str) -> str:
    """The first sentence, in plain words: nothing of it is an operator of a search."""
    return _plain(re.split(r"(?<=[.!?])\s", doc.partition("\n\n")[0])[0])


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", re.sub(r":\w+:", " ", text)))
