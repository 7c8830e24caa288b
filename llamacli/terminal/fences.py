"""The fenced code blocks of an answer."""


def code_blocks(markdown: str) -> list[str]:
    """What stands in the fenced code blocks, in order; a block that an answer's end cut is one too."""
    from markdown_it import MarkdownIt  # Rich's parser, not needed to begin

    return [token.content for token in MarkdownIt().parse(markdown) if token.type == "fence"]


def open_fence(markdown: str) -> str:
    """The line that opened the code block in which the text ends; empty where it does not end in one."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt().parse(markdown)
    if not tokens or tokens[-1].type != "fence" or tokens[-1].map is None:
        return ""
    fence, (begin, end) = tokens[-1], tokens[-1].map
    last = markdown.splitlines()[end - 1].strip()
    closed = end - begin > 1 and last.startswith(fence.markup) and not last.strip(fence.markup[0])
    return "" if closed else f"{fence.markup}{fence.info}\n"
