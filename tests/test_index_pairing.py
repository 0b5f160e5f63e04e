"""Pairing: each Chinese block with the English block that says the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.blocks import Mark, read_blocks
from index.pairing import pair_blocks

# Six paragraphs about railways, each with its translation.
ZH = (
    "一八二五年，斯托克顿与达灵顿之间通行了第一条使用蒸汽机车的公共铁路，全长约四十公里。",
    "起初，乘客坐在马拉的车厢里，只有运煤的列车才由机车牵引，因为人们还不敢信任那台冒烟的机器。",
    "五年以后，利物浦到曼彻斯特的线路第一次完全依靠机车，并且按照时刻表运行。",
    "铁路公司很快发现，各地的时间并不相同：布里斯托尔的正午比伦敦晚大约十分钟。",
    "为了不让列车相撞，公司把伦敦时间带到了每一座车站，后来整个国家都采用了它。",
    "今天的高速列车在同样的距离上只需要十二分钟，而窗外的田野几乎没有改变。",
)
EN = (
    "In 1825 the first public railway to use steam locomotives opened between Stockton and Darlington, forty kilometres.",
    "At first passengers rode in carriages drawn by horses; only coal trains had engines, since few trusted the machine.",
    "Five years later the line from Liverpool to Manchester was the first to rely on locomotives alone, and to a timetable.",
    "The companies soon found that clocks did not agree: noon in Bristol came some ten minutes later than in London.",
    "So that trains would not collide, they carried London time to every station, and in the end the whole country took it.",
    "Today a fast train covers that distance in twelve minutes, while the fields outside have hardly changed.",
)
MEANING = {text: n for n, (zh, en) in enumerate(zip(ZH, EN, strict=True)) for text in (zh, en)}


def by_meaning(texts: Sequence[str]) -> NDArray[np.float32]:
    """A stand-in for the embedder: one axis a meaning, and a little of everything else."""
    vectors = np.full((len(texts), len(ZH) + 1), 0.1, np.float32)
    for row, text in enumerate(texts):
        vectors[row, MEANING.get(text, len(ZH))] = 1.0
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def page(*lines: str) -> str:
    return "\n\n".join(lines)


def interleave(first: Sequence[str], second: Sequence[str]) -> list[str]:
    return [line for pair in zip(first, second, strict=True) for line in pair]


def paired(text: str, embed: object = None) -> list[tuple[str | None, str | None]]:
    pairs = pair_blocks(read_blocks(text), embed)  # type: ignore[arg-type]
    return [(p.zh.text if p.zh else None, p.en.text if p.en else None) for p in pairs]


WHOLE = list(zip(ZH, EN, strict=True))


def test_chinese_first_pairs_each_block_with_the_one_below() -> None:
    assert paired(page(*interleave(ZH, EN))) == WHOLE


def test_english_first_pairs_each_block_with_the_one_below() -> None:
    assert paired(page(*interleave(EN, ZH))) == WHOLE


@pytest.mark.parametrize("missing", range(len(EN)))
@pytest.mark.parametrize("embed", [None, by_meaning], ids=["order", "similarity"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_missing_translation_shifts_nothing(missing: int, embed: object, language: str) -> None:
    lost = (ZH if language == "zh" else EN)[missing]
    lines = [line for line in interleave(ZH, EN) if line != lost]
    expected = [(zh if zh != lost else None, en if en != lost else None) for zh, en in WHOLE]
    assert paired(page(*lines), embed) == expected


def test_two_missing_translations_in_a_row_stay_alone() -> None:
    lines = [line for line in interleave(ZH, EN) if line not in (EN[2], EN[3])]
    expected = [(zh, None if n in (2, 3) else en) for n, (zh, en) in enumerate(WHOLE)]
    assert paired(page(*lines), by_meaning) == expected


def test_neighbours_printed_in_the_other_order_still_find_their_partner() -> None:
    lines = [*interleave(ZH[:2], EN[:2]), EN[2], ZH[2], *interleave(ZH[3:], EN[3:])]
    assert paired(page(*lines), by_meaning) == WHOLE


def test_all_of_one_language_then_all_of_the_other_pairs_in_order() -> None:
    assert paired(page(*ZH[:3], *EN[:3]), by_meaning) == WHOLE[:3]


def test_an_ambiguous_run_is_settled_by_what_the_blocks_say() -> None:
    # Two Chinese blocks around one English one: order alone cannot know whose it is.
    lines = [ZH[0], EN[0], ZH[1], ZH[2], EN[2], ZH[3], EN[3]]
    assert paired(page(*lines), by_meaning) == [WHOLE[0], (ZH[1], None), WHOLE[2], WHOLE[3]]
    lines = [ZH[0], EN[0], ZH[1], ZH[2], EN[1], ZH[3], EN[3]]
    assert (ZH[1], EN[1]) in paired(page(*lines), by_meaning)


def test_a_text_without_blank_lines_pairs_as_well() -> None:
    assert paired("\n".join(interleave(ZH, EN))) == WHOLE
    assert paired("\n".join(interleave(EN, ZH))) == WHOLE


def test_two_lines_printed_as_one_unit_are_a_pair_whatever_their_order() -> None:
    text = page(*interleave(ZH[:2], EN[:2]), f"{EN[2]}\n{ZH[2]}", *interleave(ZH[3:], EN[3:]))
    assert paired(text) == WHOLE


def test_the_embedder_is_not_asked_where_order_leaves_no_doubt() -> None:
    def never(texts: Sequence[str]) -> NDArray[np.float32]:
        raise AssertionError(f"asked about {texts}")

    names = [f"{n} Rail{n}" for n in range(10, 14)]
    zh = [f"{name} 号列车在这一年里运行了很远的路程，几乎从不晚点。" for name in names]
    en = [f"The train {name} ran a very long way in that year, and was hardly ever late." for name in names]
    assert paired(page(*interleave(zh, en)), never) == list(zip(zh, en, strict=True))


def test_nothing_and_one_language_alone_give_no_pairs() -> None:
    assert paired("") == []
    assert paired(page(*ZH[:2])) == [(ZH[0], None), (ZH[1], None)]
    assert paired(page(*EN[:2]), by_meaning) == [(None, EN[0]), (None, EN[1])]


@given(st.lists(st.sampled_from([*ZH, *EN]), unique=True, max_size=12))
def test_every_block_comes_out_once_and_in_page_order(lines: list[str]) -> None:
    pairs = pair_blocks(read_blocks(page(*lines)))
    texts = [block.text for pair in pairs for block in (pair.zh, pair.en) if block]
    assert sorted(texts) == sorted(lines)
    assert [pair.position for pair in pairs] == sorted(pair.position for pair in pairs)
    zh = [pair.zh.position for pair in pairs if pair.zh and pair.en]
    en = [pair.en.position for pair in pairs if pair.zh and pair.en]
    assert zh == sorted(zh)
    assert en == sorted(en)


def test_a_marked_heading_and_whole_sentences_are_no_pair() -> None:
    lone = "We thank the crews of all the rounds, and the Pool that paid for the study from the beginning to the end."
    lines = [
        ("Text one says a whole sentence here, and then it says a little more of it.", None),
        ("第一段在这里说了一整句话，接着又多说了一点点。", None),
        (lone, None),
        ("附录 Appendix A", Mark("heading", 2)),
        ("Text two says a whole sentence here, and then it says a little more of it.", None),
        ("第二段在这里说了一整句话，接着又多说了一点点。", None),
    ]
    text = "\n\n".join(line for line, _ in lines)
    blocks = read_blocks(text, {2 * n + 1: mark for n, (_, mark) in enumerate(lines) if mark})
    pairs = {(p.zh and p.zh.text, p.en and p.en.text) for p in pair_blocks(blocks)}
    assert {(None, lone), ("附录 Appendix A", None)} <= pairs
