"""docs/asyncapi.yaml says what the contract says, and docs/reference.html is made of it and can be read by itself."""
import html.parser
import json
import pathlib
import re
import sys
import unittest

import reference

EMPTY = {"meta", "link", "img", "br", "hr", "input"}


class Page(html.parser.HTMLParser):
    """What the page is made of: tags that are well nested, ids, links, and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.text = [], [], [], set(), []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.add(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [value for name, value in attributes if name in ("href", "src", "data", "action", "srcset")]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> at {self.getpos()} closes something else")

    def handle_data(self, data):
        self.text.append(data)


class Reference(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = reference.Document(reference.DOCUMENT)
        cls.made = reference.page()
        cls.page = Page(cls.made)

    def messages(self):
        for channel in self.document.tree["channels"].values():
            for node in channel["messages"].values():
                yield channel, self.document.follow(node)

    def test_the_page_is_up_to_date(self):
        self.assertEqual(self.made, reference.PAGE.read_text(encoding="utf-8"), "run script/reference")

    def test_the_page_loads_nothing(self):
        self.assertEqual(set(), self.page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"})
        self.assertNotRegex(self.made, r"url\(|@import")
        self.assertEqual([], [link for link in self.page.links if re.match(r"[a-z]+:|//", link)])

    def test_the_page_is_whole(self):
        self.assertEqual([], self.page.open)
        self.assertEqual(len(self.page.ids), len(set(self.page.ids)))
        for link in self.page.links:
            if link.startswith("#"):
                self.assertIn(link[1:], self.page.ids)
            else:
                self.assertTrue((reference.PAGE.parent / link).exists(), link)
        text = "".join(self.page.text)
        for path in sorted((reference.ROOT / "schemas").glob("*.avsc")):
            record = json.loads(path.read_text(encoding="utf-8"))
            self.assertIn(record["name"], text)
            for field in record["fields"]:
                self.assertIn(field["doc"], text, f"{path.name}: {field['name']}")
        self.assertNotIn("None", re.findall(r"\w+", text))

    def test_the_topics_are_those_of_the_settings(self):
        settings = (reference.ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
        rows = dict(re.findall(r"\| `(CERTSWAP_TOPIC_\w+)` \| `([\w.]+)` \|", settings))
        named = {re.search(r"CERTSWAP_TOPIC_\w+", channel["description"]).group(0): channel["address"]
                 for channel in self.document.tree["channels"].values()}
        self.assertEqual(rows, named)
        for channel in self.document.tree["channels"].values():
            self.assertEqual(channel["address"], channel["bindings"]["kafka"]["topic"])

    def test_each_message_is_its_record(self):
        for channel, message in self.messages():
            record = self.document.avro(message)
            if record is not None:
                self.assertIn(record["name"], (message["name"], "ReplaceCommand"), channel["address"])

    def test_the_version_is_the_project_s(self):
        cmake = (reference.ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        self.assertEqual(re.search(r"project\(certswap VERSION (\S+)", cmake).group(1),
                         self.document.tree["info"]["version"])


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    unittest.main(verbosity=2)
