"""The subject of a picture and its shape, read off what people say."""

import time

import pytest

from workers.smallmodel.arguments.images import prompt_from, size_from
from workers.smallmodel.arguments.web import query_from


@pytest.mark.parametrize(
    ("question", "prompt"),
    [
        ("draw me a red fox in the snow", "a red fox in the snow"),
        ("Draw a cat.", "a cat"),
        ("Could you please paint a watercolour of an old harbour?", "a watercolour of an old harbour"),
        ("Make a picture of a lighthouse at night", "a lighthouse at night"),
        ("Please create an image of a robot watering plants, thanks!", "a robot watering plants"),
        ("Generate a photorealistic picture of the sea", "the sea"),
        ("Can you make me a logo for my bakery?", "a logo for my bakery"),
        ("I need an image of two owls", "two owls"),
        ("Show me a picture of Mars, please", "Mars"),
        ("A picture of a blue door", "a blue door"),
        ("Sketch a table with a picture of a king on it", "a table with a picture of a king on it"),
        ("Zeichne mir einen Hund im Regen", "einen Hund im Regen"),
        ("Kannst du mir bitte ein Bild von einem Schloss machen?", "einem Schloss"),
        ("Erstelle ein Bild von einem Schloss in den Bergen", "einem Schloss in den Bergen"),
        ("Dessine-moi un mouton, s'il te plaît", "un mouton"),
        ("Crée une image d'un marché en Provence", "un marché en Provence"),
        ("Dibuja un gato con botas, por favor", "un gato con botas"),
        ("¿Puedes dibujarme un dragón?", "un dragón"),
        ("Haz una imagen de una playa al atardecer", "una playa al atardecer"),
        ("Disegna un drago che dorme", "un drago che dorme"),
        ("Desenhe um barco no mar", "um barco no mar"),
        ("Нарисуй лису в лесу", "лису в лесу"),
        ("画一只在雪地里的狐狸", "在雪地里的狐狸"),
        ("请帮我画一张海边日落的图片", "海边日落"),
        ("猫の絵を描いてください", "猫"),
        ("a drawbridge over a moat", "a drawbridge over a moat"),
        ("Painters at work in Arles", "Painters at work in Arles"),
        ("Draw", "Draw"),
        ("", ""),
    ],
)
def test_the_subject_is_left_when_the_asking_is_gone(question, prompt):
    assert prompt_from(question) == prompt


@pytest.mark.parametrize(
    ("question", "size"),
    [
        ("a fox in portrait format", "768x1024"),
        ("a wide picture of the valley", "1024x768"),
        ("Zeichne einen Wald im Querformat", "1024x768"),
        ("une affiche au format portrait", "768x1024"),
        ("a square logo", "1024x1024"),
        ("una imagen cuadrada", "1024x1024"),
        ("a small picture of a bee", "512x512"),
        ("draw a fox, 1024x768", "1024x768"),
        ("draw a fox, 768 × 512", ""),
        ("a portrait of my grandmother", ""),
        ("a landscape with two mills", ""),
        ("a fox", ""),
    ],
)
def test_a_shape_named_in_words_becomes_a_size(question, size):
    assert size_from(question) == size


@pytest.mark.parametrize("read", [prompt_from, lambda text: query_from(text, [])])
@pytest.mark.parametrize("part", [".", ",", "please ", "on the web "])
def test_the_longest_messages_are_read_at_once(read, part):
    """Commas took the cube of their number: minutes for the longest message."""
    begun = time.process_time()
    for n_chars in (400, 32_000):
        read((f"draw a fox {part * n_chars}"[:n_chars]) + "!x")
    assert time.process_time() - begun < 0.5
