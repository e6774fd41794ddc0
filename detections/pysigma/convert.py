"""Converts Sigma rules: a JSON object of rules by key on stdin, an object with {lucene, esql} or {error} by key on stdout."""

import json
import sys

from sigma.backends.elasticsearch import ESQLBackend, LuceneBackend
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError

ESQL_PREFIX = "from * metadata _id, _index, _version | where "


def convert(rule):
    """The rule's condition in Lucene's query syntax and in ES|QL. Fields pass as they are: the rules name ECS fields."""
    (lucene,) = LuceneBackend().convert(SigmaCollection.from_dicts([rule]))
    (esql,) = ESQLBackend().convert(SigmaCollection.from_dicts([rule]))
    if not esql.startswith(ESQL_PREFIX):
        raise ValueError(f"pySigma's ES|QL does not begin as expected: {esql}")
    return {"lucene": lucene, "esql": esql.removeprefix(ESQL_PREFIX)}


def attempt(rule):
    try:
        return convert(rule)
    except (SigmaError, NotImplementedError, ValueError) as error:
        return {"error": str(error)}


json.dump({key: attempt(rule) for key, rule in json.load(sys.stdin).items()}, sys.stdout)
