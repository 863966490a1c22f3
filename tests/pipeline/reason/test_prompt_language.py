"""What is English and what is not, on scene descriptions; the model is loaded when first asked and never fetched."""

import subprocess
import sys

import pytest

from void_audit.pipeline.reason.prompt_language import other_language

THINGS = (
    "A ball",
    "Two limes",
    "A rubber duck",
    "An orange cat",
    "Smoke",
    "A vase of tulips",
    "The domino",
    "A kettle",
)
PLACES = (
    "rolls off the table.", "stays on the shelf.", "is empty.", "lies in the sun.", "in Tokyo at night.",
    "on a plaza in Barcelona.", "remains upright.", "at dawn.",
)  # fmt: skip
OTHERS = {
    "German": ("Das Glas steht auf dem Tisch.", "Die leere Straße am Morgen.", "Wasser in einem Glas."),
    "Spanish": ("La calle vacía por la mañana.", "Un limón cae sobre la mesa."),
    "Italian": ("La strada è vuota.", "Spiaggia vuota al tramonto."),
    "Portuguese": ("A rua está vazia.", "O limão cai na mesa."),
    "Dutch": ("Een bal rolt van de tafel.", "De straat is leeg."),
    "Polish": ("Piłka stacza się ze stołu.",),
    "Czech": ("Míč se kutálí ze stolu.",),
    "Vietnamese": ("Một quả bóng lăn khỏi bàn.",),
    "Arabic": ("كرة تتدحرج عن الطاولة.",),
    "Hindi": ("एक गेंद मेज से लुढ़कती है।",),
    "Korean": ("공이 테이블에서 굴러 떨어진다.",),
    "Chinese": ("一个球从桌子上滚下来。",),
    "another language": (
        "Le verre reste debout.",
        "Pusta ulica o poranku.",
        "En bold ruller ned fra bordet.",
    ),
}


@pytest.mark.parametrize("thing", THINGS)
def test_english(thing: str) -> None:
    assert [other_language(f"{thing} {place}") for place in PLACES] == [None] * len(PLACES)


@pytest.mark.parametrize(("language", "text"), [(name, text) for name in OTHERS for text in OTHERS[name]])
def test_others(language: str, text: str) -> None:
    assert other_language(text) == language


@pytest.mark.parametrize(
    "text", ["", " ", "7", "!?", "Macaroni.", "Guitar solo.", "\ud800", "\x00\x00\x00 \x00 \x00"]
)
def test_what_cannot_be_told(text: str) -> None:
    assert other_language(text) is None


def test_english_with_a_foreign_word() -> None:
    assert other_language("A sign that says 出口 hangs above the door.") is None


def test_importing_the_lint_loads_no_model() -> None:
    code = "import sys, void_audit.pipeline.reason.prompt_lint; print('py3langid' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
