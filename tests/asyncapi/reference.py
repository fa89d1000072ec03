"""docs/reference.html from docs/asyncapi.yaml and the schemas that it refers to: one page for readers, without scripts
and without anything to load.

usage: reference.py [--check]
"""
import html
import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "asyncapi.yaml"
PAGE = ROOT / "docs" / "reference.html"

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6676; --line: #d8dee6; --ground: #ffffff; --tint: #f4f6f9;
  --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #9aa6b5; --line: #343c48; --ground: #14181e;
  --tint: #1c222b; --link: #7db8f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1.25rem 4rem; color: var(--ink); background: var(--ground);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 .5rem; }
h2 { font-size: 1.4rem; margin: 3rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
p { margin: .5rem 0; max-width: 48rem; }
a { color: var(--link); }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; font-size: .93rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
td:first-child { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .75rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
nav ul { columns: 2; padding-left: 1.1rem; }
@media (max-width: 40rem) { nav ul { columns: 1; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
"""


def text(value):
    return html.escape(str(value), quote=False)


def code(value):
    return f"<code>{text(value)}</code>"


def anchor(kind, name):
    return f"{kind}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}"


def table(heads, rows):
    head = "".join(f"<th scope=\"col\">{text(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"


class Document:
    def __init__(self, path):
        self.folder = path.parent
        self.tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.records = {}  # the top-level records, by name
        self.types = {}    # every named type, by name

    def follow(self, node):
        """What a "#/…" reference stands for."""
        while isinstance(node, dict) and "$ref" in node:
            node_of = self.tree
            for part in node["$ref"].removeprefix("#/").split("/"):
                node_of = node_of[part]
            node = node_of
        return node

    def avro(self, message):
        """The record of a message's payload, None where that is no Avro."""
        schema = message["payload"].get("schema")
        if schema is None:
            return None
        record = json.loads((self.folder / schema["$ref"]).read_text(encoding="utf-8"))
        self.records.setdefault(record["name"], record)
        self.collect(record)
        return record

    def collect(self, schema):
        if isinstance(schema, list):
            for branch in schema:
                self.collect(branch)
        elif isinstance(schema, dict):
            if schema["type"] in ("record", "enum", "fixed"):
                self.types.setdefault(schema["name"], schema)
            for field in schema.get("fields", []):
                self.collect(field["type"])
            for key in ("items", "values"):
                self.collect(schema.get(key))
            if isinstance(schema["type"], (dict, list)):
                self.collect(schema["type"])

    def type_text(self, schema):
        if isinstance(schema, list):
            return " or ".join(self.type_text(branch) for branch in schema)
        if isinstance(schema, str):
            name = schema.rsplit(".", 1)[-1]
            return f"<a href=\"#{anchor('type', name)}\">{text(name)}</a>" if name in self.types else text(schema)
        if schema["type"] == "array":
            return "list of " + self.type_text(schema["items"])
        if "name" in schema:
            return self.type_text(schema["name"])
        logical = schema.get("logicalType")
        return text({"uuid": "GUID (string)", "timestamp-millis": "moment (long, milliseconds since 1970, UTC)"}
                    .get(logical, schema["type"]))

    def fields(self, record):
        def default(field):
            return code(json.dumps(field["default"])) if "default" in field else "<span class=\"soft\">none</span>"
        return table(["field", "type", "default", "meaning"],
                     [[code(field["name"]), self.type_text(field["type"]), default(field), text(field["doc"])]
                      for field in record["fields"]])

    def headers(self, schema):
        required = schema.get("required", [])
        rows = []
        for name, node in schema["properties"].items():
            found = self.follow(node)
            form = found.get("const") or " or ".join(found.get("enum", [])) or found.get("format") or "text"
            rows.append([code(name), text("always" if name in required else "where there is one"), text(form),
                         text(found["description"])])
        return f"<p>{text(schema['description'])}</p>\n" + table(["header", "present", "form", "meaning"], rows)


def topics(document):
    directions = {}
    for operation in document.tree["operations"].values():
        channel = operation["channel"]["$ref"].rsplit("/", 1)[-1]
        directions.setdefault(channel, set()).add({"receive": "in", "send": "out"}[operation["action"]])
    rows = []
    for name, channel in document.tree["channels"].items():
        message = document.follow(next(iter(channel["messages"].values())))
        key = message["bindings"]["kafka"]["key"]
        policy = channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]
        rows.append([f"<a href=\"#{anchor('topic', name)}\">{code(channel['address'])}</a>",
                     " and ".join(sorted(directions[name])), text(key["description"]),
                     text(message["title"]), text(", ".join(policy))])
    return table(["topic", "direction", "key", "record", "cleanup"], rows)


def channel_part(document, name, channel):
    parts = [f"<h2 id=\"{anchor('topic', name)}\">{text(channel['title'])}</h2>\n",
             f"<p>{code(channel['address'])}</p>\n<p>{text(channel['description'])}</p>\n<dl>\n"]
    for operation in document.tree["operations"].values():
        if operation["channel"]["$ref"] == f"#/channels/{name}":
            verb = {"receive": "certswap reads it to", "send": "certswap writes it to"}[operation["action"]]
            parts.append(f"<dt>{verb}</dt><dd>{text(operation['summary'])}</dd>\n")
    for reference in channel["messages"].values():
        message = document.follow(reference)
        parts.append(f"<dt>key</dt><dd>{text(message['bindings']['kafka']['key']['description'])}</dd>\n</dl>\n")
        record = document.avro(message)
        if "summary" in message:
            parts.append(f"<p>{text(message['summary'])}</p>\n")
        if record is None:
            parts.append(f"<p>{text(message['payload']['description'])}</p>\n")
        else:
            parts.append(f"<p>Value: <a href=\"#{anchor('type', record['name'])}\">{text(record['name'])}</a>, "
                         f"{code(message['contentType'])}.</p>\n")
        parts += ["<h3>Headers</h3>\n", document.headers(document.follow(message["headers"]))]
    return "".join(parts)


def type_part(document, schema):
    parts = [f"<h3 id=\"{anchor('type', schema['name'])}\">{text(schema['name'])}</h3>\n"]
    if "doc" in schema:
        parts.append(f"<p>{text(schema['doc'])}</p>\n")
    if schema["type"] == "record":
        parts.append(document.fields(schema))
    else:
        parts.append(f"<p>One of {', '.join(code(symbol) for symbol in schema['symbols'])}.</p>\n")
    return "".join(parts)


def page():
    document = Document(DOCUMENT)
    info = document.tree["info"]
    channels = [channel_part(document, name, channel) for name, channel in document.tree["channels"].items()]
    names = [*document.records, *sorted(set(document.types) - set(document.records))]
    links = "".join(f"<li><a href=\"#{anchor('topic', name)}\">{text(channel['title'])}</a></li>\n"
                    for name, channel in document.tree["channels"].items())
    server = document.tree["servers"]["kafka"]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(info['title'])}: topics and records</title>
<style>{STYLE}</style>
</head>
<body>
<!-- Made by script/reference from asyncapi.yaml and the schemas. -->
<h1>{text(info['title'])}: topics and records</h1>
<p class="soft">Version {text(info['version'])}, from <a href="asyncapi.yaml">asyncapi.yaml</a> (AsyncAPI \
{text(document.tree['asyncapi'])}) and the <a href="../schemas">schemas</a>.</p>
<p>{text(info['description'])}</p>
<p>{text(server['description'])}</p>
<nav aria-label="Contents"><ul>
{links}<li><a href="#types">Records and types</a></li>
</ul></nav>
{topics(document)}{''.join(channels)}<h2 id="types">Records and types</h2>
<p>All are in the namespace {code('io.certswap.v1')}. Values are in Avro's single-object encoding, or in Confluent's framing with
the schema's id in a registry (subjects {code('<topic>-value')}).</p>
{''.join(type_part(document, document.types[name]) for name in names)}</body>
</html>
"""


def main():
    made = page()
    if sys.argv[1:] == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            sys.exit("docs/reference.html is not what script/reference makes: run it")
        return
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
