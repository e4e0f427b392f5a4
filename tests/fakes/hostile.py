"""Names that would do something if they were not shown as they are."""

import unicodedata
from html.parser import HTMLParser

from markdown_it import MarkdownIt

ESCAPES = {
    "clears the screen": "\x1b[2Jx",
    "links on a terminal": "\x1b]8;;http://e.example\x1b\\x\x1b]8;;\x07",
    "an escape of one byte": "\x9b2Jx",
    "overwrites the line": "fine\rx",
    "turns the direction": "a\u202eb\u2066c",
    "begins a line": "x\nkinobench: all is well",
    "hides": "x\u200b\u00ad\U000e0041y",
}
MARKUP = {
    "link": "[x](http://e.example)",
    "picture": "![x](http://e.example/i.png)",
    "definition": "[11.0, 12.0]: http://e.example",
    "address": "see http://e.example, www.e.example, <http://e.example> and me@e.example",
    "tag": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "entity": "&lt;b&gt;&#42;",
    "cell": "a|b \\| c",
    "emphasis": "*a* _b_ __c__ ~~d~~ `e` $f$",
    "heading": "# x",
    "list": "- x",
    "number": "1. x",
    "rule": "---",
    "quotation": "> x",
    "backslash": "x\\",
    "markup of rich": "[red]x[/red] [link=http://e.example]y[/link] :warning: [/]",
    "formula": "=HYPERLINK(1)",
}
NAMES = ESCAPES | MARKUP


def controls(text: str) -> list[str]:
    """The characters, but line ends, that a terminal would obey or not show."""
    bad = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [each for each in text if each != "\n" and unicodedata.category(each) in bad]


class _Page(HTMLParser):
    """Collects the tags of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read_html(page: str) -> tuple[list[str], str]:
    """The tags of a page in their order, and its text."""
    read = _Page()
    read.feed(page)
    read.close()
    return read.tags, read.text


def read_markdown(page: str) -> tuple[list[str], str]:
    """The same of Markdown: headings, links, pictures, tables and tags that pass as they are."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return read_html(reader.render(page))
