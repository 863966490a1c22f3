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

CAPTIONS = (
    "A lime falls on the table.",
    "A ball rolls off the table.",
    "A video of water with a floating object.",
    "A man walks his dog.",
    "Rain falls on the roof.",
    "Two kids play chess.",
    "The door closes slowly.",
    "A cat sleeps on a sofa.",
    "Leaves drift down a river.",
    "A candle burns on a desk.",
    "The train leaves the station.",
    "Coffee pours into a white cup.",
    "A woman waves at the camera.",
    "Waves roll onto the sand.",
    "An old van turns left.",
    "Steam rises from a pot.",
    "A red kite flies over dunes.",
    "The lamp sways in the wind.",
    "A bird lands on a fence.",
    "Grass moves in the breeze.",
    "A boat drifts on calm water.",
    "Snow covers the quiet street.",
    "A guitar rests against the wall.",
    "The curtain moves near a window.",
    "A pillow lies flat on the bed.",
    "A trampoline stands in the garden.",
    "Big Ben at sunset.",
    "Empty chairs around a wooden table.",
    "A plain grey wall.",
    "Cars pass on a wet road at night.",
    "Marbles roll across the marble floor.",
    "An escalator in a metro station.",
    "A barista wipes the counter.",
    "Fog over a pine forest at dawn.",
    "A kitchen counter with a cutting board and lemons.",
    "A tennis court in bright sunlight.",
    "Domino tiles stand in a row.",
    "A paper boat floats in a puddle.",
    "Two hikers rest on a rock.",
    "Sunlight on a brick facade.",
    "Pigeons gather on the plaza.",
    "A tram stops in Lisbon.",
    "Sushi on a plate.",
    "A piano in an empty hall.",
    "Salsa dancers in Havana.",
    "Taco stand, late evening.",
    "Pizza oven, glowing.",
    "A gondola moves under a bridge in Venezia.",
    "Karaoke bar interior in Osaka.",
    "The bottle stays upright on the shelf.",
    "Bananas hang in a market stall.",
    "A pendant lamp hangs still.",
    "Croissants on a tray, morning light.",
    "A blue sofa, a rug and a floor lamp in a quiet living room.",
    "The toy train circles the tree.",
    "Tall grass bends under the wind.",
)
"""Short and English, with as few words of grammar and as many foreign names as such a caption may have."""

FOREIGN = (
    "Eine Limette fällt auf den Tisch.",
    "Ein Ball rollt vom Tisch.",
    "Der Ball rollt.",
    "Die Tasse steht auf dem Tisch.",
    "Ein Mann geht.",
    "Der Hund schläft auf dem Sofa.",
    "Wohnzimmer mit blauem Sofa, Teppich und Stehlampe.",
    "Wasser im Glas.",
    "Das Zimmer ist leer.",
    "Una lima cae sobre la mesa.",
    "Una pelota rueda por la mesa.",
    "La calle vacía.",
    "El perro duerme en el sofá.",
    "Un hombre camina por la playa.",
    "Agua en un vaso.",
    "Sala de estar con sofá azul y alfombra.",
    "Un citron tombe sur la table.",
    "Une balle roule de la table.",
    "La rue est vide.",
    "Le chien dort.",
    "Un homme marche sur la plage.",
    "Le canard flotte.",
    "Salon avec canapé bleu et tapis.",
    "Limonka spada na stół.",
    "Piłka stacza się ze stołu.",
    "Pusta ulica o świcie.",
    "Pies śpi na kanapie.",
    "Woda w szklance.",
    "Pokój jest pusty.",
    "一个青柠掉在桌子上。",
    "球从桌子上滚下来。",
    "空荡荡的街道",
    "水",
    "客厅里有蓝色沙发、地毯和落地灯",
    "Un lime cade sul tavolo.",
    "La strada vuota.",
    "Il cane dorme.",
    "Um limão cai na mesa.",
    "A rua vazia.",
    "Een limoen valt op de tafel.",
    "Лайм падает на стол.",
    "ライムがテーブルに落ちる。",
    "Masaya bir limon düşüyor.",
    "En lime faller på bordet.",
)
"""As short, in eleven other languages; "Leere Straße." of two words would pass."""


@pytest.mark.parametrize("text", CAPTIONS)
def test_a_short_caption_in_english(text: str) -> None:
    assert other_language(text) is None


@pytest.mark.parametrize("text", FOREIGN)
def test_a_short_caption_in_another_language(text: str) -> None:
    assert other_language(text)


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
