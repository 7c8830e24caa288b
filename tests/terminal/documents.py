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
    "numbers from ten": "9. nine\n10. ten\n\n    more\n11. eleven\n\n1) new\n2) list\n\nend\n",
    "same numbers": "1. a\n1. b\n   - x\n   - y\n1. c\n\n2. d\n",
    "empty items": "para\n\n-\n- b\n-\n\n  c\n\n\n- d\n",
    "lazy items": "- a\nlazy\n- b\n    - c\n   - d\n- e\n===\n- f\n",
    "fence in a list": "1. do\n   ```sh\n   ls\n\n   cd\n   ```\n2. then\n~~~\nx\n~~~\n",
    "indented fence": "  ```py\n  x = 1\n    y\n z\n\tt\n   ```\n\n   ~~~\n  a\n  ~~~~~\nb\n",
    "empty lines in code": "a\n\n```\n\n\nx  \n\n\ny\n \n\n```\n```\n\n```\n\nb\n",
    "comment over lines": "```js\nlet a = 1 /* one\n two */ + `t\n${a} ` /* c */\n/**\n * doc\n */\n```\n",
    "text over lines": '```python\nx = """one\n# two\n""" + \'3\' # four\n```\n```go\nx := `raw\nif` + 1\n```\n',
    "long code": "```python\nvalue = " + "'한글 text' + " * 12 + "''\n```\n",
    "controls": "a\x1b[31mb\r\nc\rd\x9b2J\u202e\n\n```\n\x1b]52;c;x\x07\n```\n",
    "wide": "한글" * 60 + "\n\n" + "👩👧" * 30 + "\n",
}

DOCUMENTS = {"answer": ANSWER, **AWKWARD}
