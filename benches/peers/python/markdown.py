"""Markdown with frontmatter through python-frontmatter, with libyaml where PyYAML has it.

Its handler is used rather than `frontmatter.loads`, which takes the blank lines off a text. Dates stay as the file has
them: by default they would become Python dates, which are no JSON.
"""

import yaml
from frontmatter.default_handlers import SafeDumper, SafeLoader, YAMLHandler


class Loader(SafeLoader):
    """YAML whose dates are texts."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}

HANDLER = YAMLHandler()


def parse(text: str) -> tuple[dict, str]:
    head, body = HANDLER.split(text)
    return HANDLER.load(head, Loader=Loader), body.removeprefix("\n")


def stringify(fields: dict, body: str) -> str:
    head = HANDLER.export(fields, Dumper=SafeDumper, sort_keys=False, width=1_000_000)
    return f"---\n{head}\n---\n{body}"


VERSIONS = {"PyYAML": yaml.__version__ + (" with libyaml" if yaml.__with_libyaml__ else " without libyaml")}
