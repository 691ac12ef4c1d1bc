#!/usr/bin/env python3
"""Checks what the documents point to: links, headings, images, and the messages of docs/faq.md.

usage: tests/documents.py
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("benchmarks", "configs", "docs", "examples", "src", "third_party")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS
                                          for path in (ROOT / folder).rglob("*.md"))])
LARGEST_IMAGE = 300_000  # bytes; whoever opens a document loads it
PLACEHOLDER = re.compile(r"\.\.\.|\bHOST:PORT\b|\b[A-Z]\b")


def without_code(text):
    """The text without fenced blocks and code spans, which have no links."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`", "", text)


def anchors_of(document):
    """The names by which GitHub links to the headings."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    names, seen = set(), {}
    for heading in re.findall(r"^#+ +(.+?)\s*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = seen[name] = seen.get(name, -1) + 1
        names.add(f"{name}-{count}" if count else name)
    return names


def mistakes_of_links(document):
    name = document.relative_to(ROOT)
    text = without_code(document.read_text())
    for is_image, target in re.findall(r"(!?)\[[^]]*\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue  # another site
        place, _, anchor = target.partition("#")
        file = (document.parent / place).resolve() if place else document
        if not file.exists():
            yield f"{name}: there is no {target}"
        elif anchor and anchor not in anchors_of(file):
            yield f"{name}: no heading has the anchor of {target}"
        elif is_image and not 0 < file.stat().st_size <= LARGEST_IMAGE:
            yield f"{name}: {target} has {file.stat().st_size} bytes, {LARGEST_IMAGE} are allowed"


def mistakes_of_messages():
    """Every part of a message between placeholders has to be in a string of the sources."""
    files = (file for folder in ("src", "include", "tools") for file in (ROOT / folder).rglob("*.*"))
    strings = "\n".join(re.sub(r'"\s*"', "", file.read_text()) for file in files)  # joined literals
    messages = re.findall(r"^\| `([^`]+)`", (ROOT / "docs/faq.md").read_text(), re.MULTILINE)
    if not messages:
        yield "docs/faq.md: its table has no messages"
    for message in messages:
        for part in filter(None, map(str.strip, PLACEHOLDER.split(message))):
            if part not in strings:
                yield f"docs/faq.md: no source says '{part}' of '{message}'"


def main():
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    mistakes = [line for document in DOCUMENTS for line in mistakes_of_links(document)]
    mistakes += mistakes_of_messages()
    print("\n".join(mistakes) or f"{len(DOCUMENTS)} documents")
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
