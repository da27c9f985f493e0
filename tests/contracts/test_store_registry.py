"""The registry on every kind of store: versions that are whole, aliases that lose no move."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ml.aliases import Aliases
from ml.contract import AliasMove, AliasView
from ml.errors import Conflict, Corrupt, NotFound, Refused
from ml.objects import ObjectStore
from ml.registry import CHAMPION, Registry
from tests.contracts.conftest import Place
from tests.contracts.racers import move_until_done, race, register_one
from tests.contracts.registered import MODEL, evidence_for, move_for, put_manifest, register

MANIFEST = f"models/{MODEL}/versions/000001.json"


@pytest.fixture
def registry(store: ObjectStore) -> Registry:
    """An empty registry."""
    return Registry(store)


def replace(store: ObjectStore, path: str, data: bytes) -> None:
    """Change an object behind everybody's back."""
    store.delete(path)
    store.create(path, data)


# --- files ------------------------------------------------------------------------------------------------


def test_equal_content_has_one_id_and_one_copy(store: ObjectStore, registry: Registry) -> None:
    """Storing the same bytes again gives the same digest and writes nothing."""
    assert registry.put_file(b"rows") == registry.put_file(b"rows") != registry.put_file(b"other rows")
    assert len(list(store.list("files"))) == 2


def test_a_changed_file_is_not_handed_out(store: ObjectStore, registry: Registry) -> None:
    """A file whose content is not what its name says is refused, on reading and on storing."""
    digest = registry.put_file(b"rows")
    replace(store, f"files/{digest.removeprefix('sha256:')}", b"other rows")
    with pytest.raises(Corrupt):
        registry.get_file(digest)
    with pytest.raises(Corrupt):
        registry.put_file(b"rows")


# --- versions ---------------------------------------------------------------------------------------------


def test_versions_are_numbered_from_one(registry: Registry) -> None:
    """Each registration gets the next number and is read back as it was given."""
    assert registry.versions(MODEL) == []
    assert [register(registry, seed=seed) for seed in (7, 8)] == [1, 2]
    assert registry.versions(MODEL) == [1, 2]
    manifest = registry.manifest(MODEL, 2)
    assert (manifest.seed, manifest.version) == (8, 2)
    assert registry.get_file(manifest.files["model.onnx"].digest) == b"model.onnx 8"
    with pytest.raises(NotFound):
        registry.manifest(MODEL, 3)


def test_another_process_sees_what_was_registered(place: Place, registry: Registry) -> None:
    """Nothing about a version lives in the process that made it."""
    register(registry)
    assert Registry(place.open()).versions(MODEL) == [1]


def test_a_version_without_its_files_is_refused(registry: Registry) -> None:
    """A manifest that leaves out a file, or names one that is not stored, makes no version."""
    manifest = put_manifest(registry)
    without_card = {name: ref for name, ref in manifest.files.items() if name != "card"}
    lost = manifest.files["card"].model_copy(update={"digest": "sha256:" + "0" * 64})
    for files in (without_card, {**manifest.files, "card": lost}):
        with pytest.raises(Refused, match="card") as caught:
            registry.register(MODEL, manifest.model_copy(update={"files": files}))
        assert caught.value.reason_code == "files_missing"
    assert registry.versions(MODEL) == []


def test_a_manifest_of_another_model_is_refused(registry: Registry) -> None:
    """A version cannot be filed under a name that is not its own."""
    with pytest.raises(Refused):
        registry.register("another", put_manifest(registry))


def test_the_version_of_a_run_is_found(registry: Registry) -> None:
    """A run that is taken up again learns what it registered before."""
    run_id = "20130701t120000-abcdef"
    register(registry)
    register(registry, seed=1, run_id=run_id)
    register(registry, seed=2)
    assert registry.version_of_run(MODEL, run_id) == 2
    assert registry.version_of_run(MODEL, "20130701t120000-000000") is None


def test_a_damaged_version_does_not_hide_that_of_a_run(
    place: Place, store: ObjectStore, registry: Registry
) -> None:
    """Or no later run of the model could register anything."""
    run_id = "20130701t120000-abcdef"
    register(registry, run_id=run_id)
    register(registry, seed=1)
    replace(store, MANIFEST.replace("000001", "000002"), b"torn")
    fresh = Registry(place.open())
    assert fresh.version_of_run(MODEL, run_id) == 1
    assert fresh.version_of_run(MODEL, "20130701t120000-000000") is None


def test_sixteen_registrations_at_once_leave_sixteen_whole_versions(place: Place) -> None:
    """Each of 16 racers has a number of its own, and each version verifies and is one racer's."""
    numbers = race(register_one, place, 16)
    registry = Registry(place.open())
    assert sorted(numbers) == registry.versions(MODEL) == list(range(1, 17))
    assert [registry.manifest(MODEL, n).seed for n in numbers] == list(range(16))
    assert [registry.verify(MODEL, n) for n in numbers] == [[]] * 16


def change(name: str, value: object) -> Callable[[bytes], bytes]:
    """Return what changes one field of a JSON object."""
    return lambda data: json.dumps({**json.loads(data), name: value}).encode()


@pytest.mark.parametrize(
    "tamper",
    [
        change("seed", 99),
        change("metrics", {}),
        change("added", "by somebody"),
        change("digest", "sha256:" + "0" * 64),
        change("version", 2),
        lambda data: data[:-1],
    ],
    ids=["seed", "metrics", "added", "digest", "version", "cut"],
)
def test_a_changed_manifest_fails_verification(
    place: Place, store: ObjectStore, registry: Registry, tamper: Callable[[bytes], bytes]
) -> None:
    """Any change to a manifest shows, and the changed manifest is not handed out."""
    register(registry)
    assert registry.verify(MODEL, 1) == []
    replace(store, MANIFEST, tamper(store.get(MANIFEST)))
    assert len(registry.verify(MODEL, 1)) == 1
    with pytest.raises(Corrupt):
        Registry(place.open()).manifest(MODEL, 1)


@pytest.mark.parametrize("name", ["model.onnx", "snapshot", "evaluation", "source", "card"])
@pytest.mark.parametrize("kept", [True, False], ids=["changed", "removed"])
def test_a_changed_file_fails_verification(
    store: ObjectStore, registry: Registry, name: str, kept: bool
) -> None:
    """Verification names each file of a version that was changed or removed."""
    register(registry)
    digest = registry.manifest(MODEL, 1).files[name].digest
    path = f"files/{digest.removeprefix('sha256:')}"
    replace(store, path, b"tampered")
    if not kept:
        store.delete(path)
    (problem,) = registry.verify(MODEL, 1)
    assert problem.startswith(f"{name}: ")


def test_a_manifest_moved_to_another_number_fails_verification(
    store: ObjectStore, registry: Registry
) -> None:
    """A whole manifest under another number is not that version."""
    register(registry)
    register(registry, seed=1)
    replace(store, MANIFEST, store.get(MANIFEST.replace("000001", "000002")))
    assert registry.verify(MODEL, 1) == [f"{MANIFEST}: is version 2 of {MODEL}"]


def test_a_manifest_that_was_exchanged_whole_fails_verification(
    store: ObjectStore, registry: Registry
) -> None:
    """Even a manifest with a right digest of its own differs from what the champion's history kept."""
    register(registry)
    registry.move_alias(MODEL, CHAMPION, move_for(registry, 1))
    store.delete(MANIFEST)
    assert Registry(store).register(MODEL, put_manifest(registry, seed=5)) == 1
    assert "not the one that champion was pointed at by move 1" in registry.verify(MODEL, 1)[0]


# --- evidence ---------------------------------------------------------------------------------------------


def test_evidence_is_found_by_its_digest(store: ObjectStore, registry: Registry) -> None:
    """Evidence comes back with its digest, once stored however often it is put, and a change shows."""
    evidence = evidence_for(1, None)
    digest = registry.put_evidence(evidence)
    assert registry.put_evidence(evidence) == digest
    assert registry.evidence(digest) == evidence.model_copy(update={"digest": digest})
    path = f"evidence/{digest.removeprefix('sha256:')}.json"
    replace(store, path, store.get(path).replace(b"15.0", b"14.0"))
    with pytest.raises(Corrupt):
        registry.evidence(digest)


# --- aliases ----------------------------------------------------------------------------------------------


def test_an_alias_points_where_it_was_moved(place: Place, registry: Registry) -> None:
    """Moves are numbered, say who and why, and are seen by other processes."""
    other = Registry(place.open())
    register(registry), register(registry, seed=1)
    assert other.alias(MODEL, CHAMPION) is None
    first = registry.move_alias(MODEL, CHAMPION, move_for(registry, 1))
    assert other.alias(MODEL, CHAMPION) == first
    second = registry.move_alias(MODEL, CHAMPION, move_for(registry, 2, by="operator"))
    assert (second.version, second.previous, second.event, second.by) == (2, 1, 2, "operator")
    assert other.alias(MODEL, CHAMPION) == second
    assert other.alias_history(MODEL, CHAMPION) == [first, second]


def test_the_previous_champion_is_another_version(registry: Registry) -> None:
    """Pointing the champion at the version that it has already does not make that its own predecessor."""
    register(registry), register(registry, seed=1)
    assert registry.previous_champion(MODEL) is None
    registry.move_alias(MODEL, CHAMPION, move_for(registry, 1))
    assert registry.previous_champion(MODEL) is None
    for _ in range(2):
        registry.move_alias(MODEL, CHAMPION, move_for(registry, 2))
    assert registry.previous_champion(MODEL) == 1


def test_a_move_is_refused_when_the_alias_moved_meanwhile(registry: Registry) -> None:
    """Who decided on an older state is told the present one, and nothing changes."""
    register(registry), register(registry, seed=1)
    stale = move_for(registry, 1)
    present = registry.move_alias(MODEL, CHAMPION, move_for(registry, 2))
    with pytest.raises(Conflict) as caught:
        registry.move_alias(MODEL, CHAMPION, stale)
    assert caught.value.present == present == registry.alias(MODEL, CHAMPION)


def test_the_same_key_gives_the_first_answer(place: Place, registry: Registry) -> None:
    """A repeated request returns what it returned before, also after the alias moved on."""
    register(registry), register(registry, seed=1)
    move = move_for(registry, 1)
    first = registry.move_alias(MODEL, CHAMPION, move, key="k")
    assert Registry(place.open()).move_alias(MODEL, CHAMPION, move, key="k") == first
    registry.move_alias(MODEL, CHAMPION, move_for(registry, 2))
    assert registry.move_alias(MODEL, CHAMPION, move, key="k") == first
    assert len(registry.alias_history(MODEL, CHAMPION)) == 2


def test_the_same_request_sent_twice_at_once_has_one_answer(
    place: Place, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its twin wrote the move after it had looked for an earlier answer, and before it looks at the alias."""
    register(registry)
    move, twin = move_for(registry, 1), Registry(place.open())
    first: list[AliasView] = []
    look = Aliases.expect

    def look_late(aliases: Aliases, model: str, alias: str, expected: int) -> AliasView | None:
        if not first:
            monkeypatch.setattr(Aliases, "expect", look)
            first.append(twin.move_alias(MODEL, CHAMPION, move, key="k"))
        return look(aliases, model, alias, expected)

    monkeypatch.setattr(Aliases, "expect", look_late)
    assert registry.move_alias(MODEL, CHAMPION, move, key="k") == first[0]
    with pytest.raises(Conflict):
        registry.move_alias(MODEL, CHAMPION, move, key="another")


def test_the_same_key_with_another_request_is_refused(registry: Registry) -> None:
    """A key stands for one request."""
    register(registry), register(registry, seed=1)
    registry.move_alias(MODEL, CHAMPION, move_for(registry, 1), key="k")
    with pytest.raises(Refused) as caught:
        registry.move_alias(MODEL, CHAMPION, move_for(registry, 2), key="k")
    assert caught.value.reason_code == "idempotency_key_reused"


def test_evidence_must_be_about_this_very_decision(registry: Registry) -> None:
    """Evidence of another model, candidate or champion, or none at all, does not move an alias."""
    register(registry), register(registry, seed=1)
    champion = registry.move_alias(MODEL, CHAMPION, move_for(registry, 1))
    again = registry.move_alias(MODEL, CHAMPION, move_for(registry, 1))
    wrong = [
        evidence_for(2, again, model="another"),
        evidence_for(1, again),
        evidence_for(2, None),
        evidence_for(2, champion),
        evidence_for(2, again.model_copy(update={"version": 2})),
    ]
    digests = [registry.put_evidence(evidence) for evidence in wrong] + ["sha256:" + "0" * 64]
    for digest in digests:
        move = AliasMove(version=2, expected_event=2, evidence=digest, by="owner", why="because")
        with pytest.raises(Refused) as caught:
            registry.move_alias(MODEL, CHAMPION, move)
        assert caught.value.reason_code == "evidence_mismatch"
    assert registry.alias(MODEL, CHAMPION) == again


def test_an_unknown_version_is_refused(registry: Registry) -> None:
    """An alias points at versions that exist; the newest ones are named."""
    register(registry)
    with pytest.raises(Refused) as caught:
        registry.move_alias(MODEL, CHAMPION, move_for(registry, 9))
    assert (caught.value.reason_code, caught.value.suggestions) == ("unknown_version", ("1",))


def test_a_challenger_is_judged_against_the_champion(registry: Registry) -> None:
    """Another alias has a history of its own; its evidence is about the champion all the same."""
    register(registry), register(registry, seed=1)
    champion = registry.move_alias(MODEL, CHAMPION, move_for(registry, 1))
    challenger = registry.move_alias(MODEL, "challenger", move_for(registry, 2, alias="challenger"))
    assert (challenger.event, challenger.version) == (1, 2)
    assert registry.alias(MODEL, CHAMPION) == champion


def test_racers_leave_one_gapless_history(place: Place) -> None:
    """64 processes that each move the alias once: each move is there once and based on the one before."""
    registry = Registry(place.open())
    register(registry), register(registry, seed=1)
    numbers = race(move_until_done, place, place.racers)
    history = Registry(place.open()).alias_history(MODEL, CHAMPION)
    assert sorted(numbers) == [view.event for view in history] == list(range(1, place.racers + 1))
    assert [history[n - 1].by for n in numbers] == [f"racer {number}" for number in range(place.racers)]
    assert [view.previous for view in history] == [None, *(view.version for view in history[:-1])]
