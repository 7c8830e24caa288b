import io
import re

import pytest
from rich.cells import cell_len

from llamacli.terminal.console import console_of
from llamacli.terminal.markdown import markdown_rows
from tests.terminal.documents import ANSWER
from tests.terminal.test_live import whole


def test_code_can_be_copied() -> None:
    assert whole("```python\ndef f():\n    return 1\n```\n", 80) == ["def f():", "    return 1"]


def test_nothing_is_left_out() -> None:
    [row] = whole("a[i] [/b] vec<int> <br> ~~no~~ \\(x_1\\) [t](http://u.example) ![alt](p.png) &lt;", 200)
    assert row == "a[i] [/b] vec<int> <br> no \\(x_1\\) t (http://u.example) [alt] (p.png) <"


def test_entities_bring_no_control_characters() -> None:
    assert whole("&#x202e;a&#13;b&#12;&#xfeff;", 80) == ["a␍b␌"]


def test_lists_quotes_and_math_can_be_read() -> None:
    source = "9. nine\n10. ten\n    - [ ] in\n\n    more\n\n> a\n>\n> b\n\n$$\\int a_1 * b_2$$ costs $5\n\n- \n"
    assert whole(source, 40) == [
        " 9. nine",
        " 10. ten",
        "      • [ ] in",
        "     more",
        "",
        "▌ a",
        "▌",
        "▌ b",
        "",
        "$$\\int a_1 * b_2$$ costs $5",
        "",
        " •",
    ]


TABLE = "| Name | 한국어 | n |\n|:--|:-:|--:|\n| extraordinarily long | 두 번째 👍 | 1 |\n| `x` | | 20 |\n"


def test_tables_keep_every_character_however_narrow() -> None:
    assert whole(TABLE, 60) == [
        " Name                    한국어     n",
        " ────────────────────────────────────",
        " extraordinarily long  두 번째 👍   1",
        " x                                 20",
    ]
    for columns in range(4, 40):
        rows = whole(TABLE, columns)
        assert max(map(cell_len, rows)) <= columns
        shown = "".join("".join(rows).split())
        assert not set("extraordinarilylong두번째👍20") - set(shown)
        assert "…" not in shown
    assert whole(TABLE, 14)[-3:] == ["", "Name: x", "n: 20"]


def test_a_table_without_room_for_its_words_is_a_list_and_a_small_one_stays_a_table() -> None:
    source = "| Language | Typing | Born |\n|--|--|--|\n| Python | dynamic | 1991 |\n| Rust | static | 2015 |\n"
    lines = ["Language: Python", "Typing: dynamic", "Born: 1991", "", "Language: Rust", "Typing: static", "Born: 2015"]
    assert whole(source, 20) == ["Language | Typing |", "Born", "", *lines]
    assert whole(source, 30)[2:] == [" Python    dynamic  1991", " Rust      static   2015"]
    assert whole("| # | a | b |\n|--|--|--|\n| 1 | 2 | yes |\n", 18)[2:] == [" 1  2  yes"]


PALETTE = re.compile(r"\x1b\[([\d;]+)m")
PLAIN_STYLES, COLOURS = {"0", "1", "2", "3", "4", "9"}, {"31", "32", "35", "36"}


def styles(source: str, **environ: str) -> set[str]:
    console = console_of(io.StringIO(), {"COLORTERM": "truecolor", **environ}, 80, styled=True)
    rows = "\n".join(markdown_rows(source, console, 80))
    return {code for found in PALETTE.findall(rows) for code in found.split(";")}


LANGUAGES = {
    "python": '@a\ndef f(x: int = 1) -> None:  # c\n    """D."""\n    raise ValueError("x")\nclass A(B): y = 0x1f\n',
    "diff": "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n",
    "html": '<!-- c -->\n<a href="x">t</a>\n',
    "c": "#include <x.h>\n/* c */ int main(void) { return 'a'; }\n",
    "console": "$ ls -l | grep x\nout\n",
    "json": '{"a": [1, true, "x"]}\n',
    "rst": "Title\n=====\n\n*em* **b** ``c``\n",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_code_has_colours_of_the_palette_that_suit_light_and_dark_themes(language: str) -> None:
    found = styles(f"```{language}\n{LANGUAGES[language]}```\n")
    assert found - {"0"}
    assert found <= PLAIN_STYLES | COLOURS


def test_so_has_everything_else() -> None:
    found = styles(
        ANSWER + TABLE + "[t](http://u) <http://v> ~~s~~\n\n---\n" + "".join(f"{'#' * n} h\n" for n in range(7))
    )
    assert found <= PLAIN_STYLES | COLOURS
    assert styles(ANSWER + TABLE, NO_COLOR="1") <= PLAIN_STYLES


def test_a_comment_over_lines_is_one_whatever_line_it_ends_on() -> None:
    console = console_of(io.StringIO(), {"TERM": "xterm"}, 80, styled=True)
    rows = markdown_rows("```js\nlet a = 1 /* one\nif two\n*/ let b\n```\n", console, 80)
    assert rows[1] == "\x1b[2mif two\x1b[0m"
    assert rows[2].startswith("\x1b[2m*/\x1b[0m \x1b[35mlet")


def test_no_language_hangs() -> None:
    """Some of the lexers of Pygments do, for code that is not theirs: mcschema at a hash, for one."""
    code = '#x\n/* c\n*/ y = "a\nb" `c` <!-- d -->\n    - e: [1, {2}]\n'
    for language in ("mcschema", "ruby", "yaml", "html+jinja", "tex", "no such language", "{.python}"):
        assert whole(f"```{language}\n{code}```\n", 80) == code.rstrip().split("\n")
