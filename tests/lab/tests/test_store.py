"""The labelled queries of the lab's `store`."""

from tests.lab.store import SETS, labelled, rows_of


def test_the_queries_are_many_name_gpts_of_the_set_and_share_none():
    names = [name for name, _, _ in rows_of("gpts")]
    assert len(set(names)) == len(names) >= 200
    sets = {each: dict(labelled(each)) for each in SETS}
    assert sum(map(len, sets.values())) >= 100
    assert len(sets["unseen"]) >= 50
    assert not sets["tuning"].keys() & sets["unseen"].keys()
    for queries in sets.values():
        assert all(set(fitting) <= set(names) for fitting in queries.values())


def test_unseen_queries_are_no_words_of_the_gpts_own_names():
    for query, fitting in labelled("unseen"):
        assert all(query.casefold() not in name.casefold() for name in fitting)
