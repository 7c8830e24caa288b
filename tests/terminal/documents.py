"""Markdown to be cut anywhere: answers as models write them, and the awkward cases."""

ANSWER = """\
# 제목 Title

Some *text* with `code[i]`, [/b] and **bold**, enough to be broken on any terminal. 한국어 문장도 있습니다 👍 ok.

1. first
2. second

   ```python
   def f(x):
       return x  # 주석
   ```

3. third
   - nested

   - loose

**Note** that the list is over.

| a | b |
|---|--:|
| 1 | 2 |
| 한글 | `x` |

```python
for i in range(10):

    print(i)

- no list
# no heading
```
Right after the code.
> quote
lazily continued

> another

The end.
"""

AWKWARD = {
    "setext heading": "Title\n=====\ntext\nSub\n---\nmore\n",
    "heading or list": "para\n-\n- a\n",
    "link definitions": "see [a] and [b][a]\n\n[a]: http://x.example 'T'\n\n[a]\n",
    "open fence": "before\n\n```\ncode\n\nmore\n",
    "nested fences": "````md\n```py\nx\n```\n\ntext\n````\n\nafter\n",
    "tilde fence": "~~~\n```\n~~~\nx\n",
    "fence that is none": "para\n``` a`b\n\nmore\n",
    "loose list": "- a\n\n- b\n\n  para\n\n\n- c\n\nend\n",
    "numbers grow": "".join(f"{n}. item\n" for n in range(1, 13)) + "\nend",
    "two lists": "- a\n- b\n* c\n\n1. x\n\n2) y\n",
    "list or rule": "- a\n\n* * *\n\n- - -\n\n---\n",
    "number that begins no list": "- a\n\n2024 was a year\n\n1. b\n",
    "stars that begin no list": "- a\n\n**b** c\n\n*d* e\n",
    "indented code": "a\n\n    code\n\n    more\n\nb\n\n- l\n\n      code in it\n",
    "quote and code": "> ```\n> a\n\nb\n> - c\n>\n>   d\n",
    "table without bars": "a | b\n--|--\n1 | 2\n\ntext | no\n",
    "table in a paragraph": "text\na | b\n--|--\n1 | 2\nend\n",
    "html": "<div>\n\ntext <b>vec<int></b>\n\n</div>\n<!-- x -->\n",
    "entities": "&lt;p&gt; &#27; &#x202e;x &amp;\n",
    "math": "so \\(a_1 * b_2 * c\\) and\n\\[\n  x = \\{ 1 \\}\n\\]\n$$a*b*c$$ costs $5 or $6\n",
    "links": "[한](http://e.example/한) <http://auto.example> ![pic](a.png) [a\nb](x)\n",
    "markup of Rich": "a[i] [/b] [bold]x[/bold] :smile:\n",
    "deep": ">" * 30 + " deep\n\n" + "- " * 12 + "list\n",
    "blank": "\n\n\na\n\n\n\nb\n   \n\n",
    "no newline": "a\n\nb",
    "empty parts": "-\n\n#\n\n>\n\n```\n```\n\n| |\n|-|\n",
    "tabs": "-\ta\n\n\tb\n\nx\ty\n",
    "controls": "a\x1b[31mb\r\nc\rd\x9b2J\u202e\n\n```\n\x1b]52;c;x\x07\n```\n",
    "wide": "한글" * 60 + "\n\n" + "👩👧" * 30 + "\n",
}
