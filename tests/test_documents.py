"""Documents that show the settings show the settings that there are."""

import io
from pathlib import Path

from dotenv import dotenv_values

from llamacli.settings import SETTINGS, Source, resolve
from llamacli.settings.text import env_example, readme_table

ROOT = Path(__file__).parent.parent


def test_the_example_of_a_settings_file_is_made_from_the_table() -> None:
    """Where this fails: python -m llamacli.settings.text > .env.example."""
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example()


def test_the_readme_shows_the_table() -> None:
    """Where this fails: put what `readme_table()` returns between the markers."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.split("<!-- settings -->\n")[1].split("<!-- /settings -->")[0] == readme_table()


def test_the_example_with_every_comment_removed_means_the_defaults() -> None:
    lines = [line.removeprefix("#") for line in env_example().splitlines() if not line.startswith("# ")]
    found = dotenv_values(stream=io.StringIO("\n".join(lines)), interpolate=False)
    assert list(found) == [setting.environment[0] for setting in SETTINGS]
    home = {"HOME": str(Path.home())}
    given, default = resolve({}, [Source("the example", found)], home), resolve({}, [], home)
    assert {s.name: getattr(given, s.name) for s in SETTINGS} == {s.name: getattr(default, s.name) for s in SETTINGS}


def test_the_example_itself_sets_nothing() -> None:
    assert not dotenv_values(stream=io.StringIO(env_example()), interpolate=False)
