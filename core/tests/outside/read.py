"""Reads documents (a JSON array of frontmatter blocks, on standard input) with PyYAML and prints its values as JSON."""

import json
import sys

import yaml


def read(text):
    try:
        return yaml.safe_load(text[len("---\n") : -len("---\n")])
    except yaml.YAMLError as error:
        return {"error": str(error)}


documents = json.load(sys.stdin.buffer)
sys.stdout.buffer.write(json.dumps({"PyYAML": [read(text) for text in documents]}, default=repr).encode())
