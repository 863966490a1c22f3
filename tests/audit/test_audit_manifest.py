import http.server
import io
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import c2pa
import encypher_c2pa
import pytest
from clips import write_clip
from desk import EMBEDDED, MODEL, Desk, assertion, plan
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.audit import manifest as module
from void_audit.audit.claims import ManifestState
from void_audit.audit.manifest import read_manifest, sidecar_of
from void_audit.errors import ClipError, IdentityError
from void_audit.seal import certificates
from void_audit.seal.certificates import create_chain
from void_audit.seal.sealer import C2paSealer


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def sealed(desk):
    return desk.seal()


@pytest.fixture(scope="module")
def descendant(desk, stranger, sealed):
    """A stranger's sealed file becomes our source."""
    return desk.seal("descendant.mp4", source=stranger.seal())


def bent(path, tmp_path, change):
    data = bytearray(path.read_bytes())
    changed = change(data)
    target = tmp_path / "bent.mp4"
    target.write_bytes(data if changed is None else changed)
    return target


# --- what is there ---------------------------------------------------------------------------------


def test_everything_that_was_claimed_comes_back(desk, sealed):
    found = read_manifest(sealed, desk.chain.root_pem)
    assert found.state is ManifestState.TRUSTED
    assert found.trusted_signer
    assert (found.binding_failures, found.signer_failures, found.ingredient_failures) == ((), (), ())
    assert found.ledger == assertion()
    assert found.embedded == {data.title: data.content for data in EMBEDDED}
    assert [a.action for a in found.actions] == ["c2pa.opened", "c2pa.deleted", "c2pa.transcoded"]
    assert found.all_actions_included
    assert found.actions[1].parameters["org.voidaudit.counterfactualDynamics"] == "no"
    assert found.actions[1].changes[0]["region"][1]["shape"]["width"] == 20
    assert found.certificates == (desk.chain.certificate_sha256,)
    assert found.issuer == "Test desk"
    assert found.signed_at is None
    assert found.problems == ()


def test_a_source_without_credentials_is_a_parent_without(desk, sealed):
    (parent,) = read_manifest(sealed, desk.chain.root_pem).parents
    assert (parent.title, parent.relationship, parent.has_manifest) == ("source clip", "parentOf", False)
    assert parent.state is ManifestState.MISSING


def test_a_model_discloses_itself(desk):
    path = desk.seal("model.mp4", plan=plan(MODEL))
    found = read_manifest(path, desk.chain.root_pem)
    assert found.state is ManifestState.TRUSTED
    assert found.actions[1].digital_source_type.endswith("/compositeWithTrainedAlgorithmicMedia")


# --- who is trusted --------------------------------------------------------------------------------


@pytest.mark.parametrize("roots", ["none", "another"])
def test_without_our_root_anybodys_key_is_only_valid(desk, stranger, sealed, roots):
    found = read_manifest(sealed, None if roots == "none" else stranger.chain.root_pem)
    assert found.state is ManifestState.VALID
    assert not found.trusted_signer
    assert found.signer_failures == ("signingCredential.untrusted",)
    assert found.binding_failures == ()


def test_resealed_by_an_attacker_with_our_name_is_not_trusted(desk, sealed, tmp_path):
    chain = create_chain(tmp_path / "fake", "Test desk", None)
    forged = C2paSealer(chain).seal(desk.request("forged.mp4", unsealed=desk.unsealed))
    found = read_manifest(forged.path, desk.chain.root_pem)
    assert found.state is ManifestState.VALID
    assert not found.trusted_signer
    assert found.issuer == "Test desk"  # which is why the name proves nothing
    assert found.certificates != (desk.chain.certificate_sha256,)


# --- tampering -------------------------------------------------------------------------------------


def flip(needle, offset, last=False):
    def change(data):
        data[(data.rindex(needle) if last else data.index(needle)) + offset] ^= 1

    return change


def swap(old, new):
    def change(data):
        assert old in data
        return data.replace(old, new)

    return change


def extra_box(kind):
    return lambda data: data + (16).to_bytes(4, "big") + kind + b"payload!"


BINDING, HASH, CLAIM = (
    "assertion.bmffHash.mismatch",
    "assertion.hashedURI.mismatch",
    "claimSignature.mismatch",
)

TAMPERED = {
    "picture": (flip(b"mdat", 60, last=True), BINDING),
    "index": (flip(b"moov", 40), BINDING),
    "another mdat": (extra_box(b"mdat"), BINDING),
    "foreign box": (extra_box(b"abcd"), BINDING),
    "ledger": (swap(b"desk/void-audit/1", b"desk/void-audit/2"), HASH),
    "evidence": (swap(b"no proof of truth", b"a proof of truth!"), HASH),
    "prompt": (swap(b"an empty street", b"an empty forest"), HASH),
    "action": (swap(b"no generative model", b"by hand of an artist"[:19]), HASH),
    "region": (swap(b"frames 2 to 8", b"frames 2 to 9"), HASH),
    "mask": (flip(b"\x1aE\xdf\xa3\x00\x01\x02", 30), HASH),
    "title": (swap(b"edited.mp4", b"edited.mp5"), CLAIM),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_is_named(desk, sealed, tmp_path, how):
    change, code = TAMPERED[how]
    found = read_manifest(bent(sealed, tmp_path, change), desk.chain.root_pem)
    assert found.state is ManifestState.INVALID
    assert code in found.binding_failures


def test_a_manifest_moved_to_another_video(desk, sealed, tmp_path):
    manifest = read_box(sealed.read_bytes(), b"uuid")
    other = write_clip(tmp_path / "other.mp4", frames=7).read_bytes()
    head = int.from_bytes(other[:4], "big")
    (tmp_path / "moved.mp4").write_bytes(other[:head] + manifest + other[head:])
    found = read_manifest(tmp_path / "moved.mp4", desk.chain.root_pem)
    assert found.state is ManifestState.INVALID
    assert BINDING in found.binding_failures


def read_box(data, kind):
    at = 0
    while data[at + 4 : at + 8] != kind:
        at += int.from_bytes(data[at : at + 4], "big")
    return data[at : at + int.from_bytes(data[at : at + 4], "big")]


def test_no_manifest_is_a_result(desk, sealed, tmp_path):
    stripped = bent(sealed, tmp_path, lambda data: data.replace(read_box(data, b"uuid"), b""))
    renamed = tmp_path / "renamed.mp4"
    renamed.write_bytes(sealed.read_bytes().replace(b"uuid\xd8\xfe\xc3\xd6", b"free\xd8\xfe\xc3\xd6"))
    mkv = write_clip(tmp_path / "x.mkv", codec="ffv1")
    (tmp_path / "empty.mp4").write_bytes(b"")
    for path in (stripped, renamed, mkv, desk.unsealed, tmp_path / "empty.mp4"):
        found = read_manifest(path, desk.chain.root_pem)
        assert found.state is ManifestState.MISSING
        assert found.ledger is None
        assert found.parents == ()


@pytest.mark.parametrize(
    "change",
    [lambda data: data + b"garbage!" * 3, lambda data: data[: len(data) - 40], flip(b"jumdc2pa", 5)],
    ids=["trailing garbage", "cut", "broken box"],
)
def test_a_file_out_of_shape_is_never_good(desk, sealed, tmp_path, change):
    found = read_manifest(bent(sealed, tmp_path, change), desk.chain.root_pem)
    assert found.state in (ManifestState.UNREADABLE, ManifestState.INVALID, ManifestState.MISSING)
    assert not (found.state is ManifestState.UNREADABLE and not found.problems)


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "gone.mp4", tmp_path):
        with pytest.raises(ClipError) as caught:
            read_manifest(path, None)
        assert caught.value.code == "clip-unreadable"


@settings(max_examples=80, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_bit_changed_anywhere_changes_no_claim_that_stays_trusted(desk, sealed, where, bit):
    data = bytearray(sealed.read_bytes())
    data[int(where * len(data))] ^= 1 << bit
    target = sealed.with_name("bit.mp4")
    target.write_bytes(data)
    found = read_manifest(target, desk.chain.root_pem)
    if found.state is ManifestState.TRUSTED:  # a box that C2PA leaves out, or padding
        assert found == read_manifest(sealed, desk.chain.root_pem)


@pytest.mark.parametrize("roots", ["", "nonsense"])
def test_pins_that_are_none_are_an_error_and_not_a_verdict(sealed, roots):
    with pytest.raises(IdentityError) as caught:
        read_manifest(sealed, roots)
    assert caught.value.code == "trust-unreadable"


def test_bytes_that_c2pa_leaves_unhashed_stay_trusted(desk, sealed, tmp_path):
    # Why obligation 2 exists: the ledger holds the digest of the whole file.
    found = read_manifest(bent(sealed, tmp_path, extra_box(b"free")), desk.chain.root_pem)
    assert found.state is ManifestState.TRUSTED


# --- ingredients -----------------------------------------------------------------------------------


def test_the_sources_own_credentials_are_kept(desk, stranger, descendant):
    found = read_manifest(descendant, desk.chain.root_pem)
    assert found.state is ManifestState.TRUSTED
    (parent,) = found.parents
    assert parent.has_manifest
    assert parent.state is ManifestState.VALID  # nobody here pinned the stranger
    assert found.ingredient_failures == ()
    (parent,) = read_manifest(descendant, desk.chain.root_pem + stranger.chain.root_pem).parents
    assert parent.state is ManifestState.TRUSTED


def test_broken_credentials_of_a_source_are_kept_and_named(desk, stranger, tmp_path):
    source = bent(stranger.seal("again.mp4"), tmp_path, flip(b"mdat", 60, last=True))
    found = read_manifest(desk.seal("broken-parent.mp4", source=source), desk.chain.root_pem)
    assert found.state is ManifestState.TRUSTED
    assert found.ingredient_failures == ()  # it was so when we took it in, and it is said
    (parent,) = found.parents
    assert parent.state is ManifestState.INVALID
    assert BINDING in parent.failures


@pytest.mark.parametrize(
    "needle",
    [b"desk/void-audit/1", b"Test desk", b"an empty street"],
    ids=["ledger", "certificate", "prompt"],
)
def test_a_tampered_parent_is_found_though_the_active_manifest_is_whole(desk, descendant, tmp_path, needle):
    # The parent's manifest comes first in the store: its copy of the words is the first.
    found = read_manifest(bent(descendant, tmp_path, flip(needle, 0)), desk.chain.root_pem)
    assert found.state is ManifestState.INVALID
    assert found.binding_failures == ()
    assert "ingredient.manifest.mismatch" in found.ingredient_failures


# --- sidecars --------------------------------------------------------------------------------------


def test_a_sidecar_binds_every_byte(desk, tmp_path):
    video = write_clip(tmp_path / "lossless.mkv", codec="ffv1")
    path = desk.sealer.seal(desk.request(unsealed=video, destination=tmp_path / "edited.mkv")).path
    sidecar = sidecar_of(path)
    assert sidecar == tmp_path / "edited.c2pa"
    found = read_manifest(path, desk.chain.root_pem, sidecar)
    assert found.state is ManifestState.TRUSTED
    assert found.ledger == assertion()
    assert found.certificates == (desk.chain.certificate_sha256,)
    good = path.read_bytes()
    for change in (good + b"x", good[:-1], good[:200] + bytes([good[200] ^ 1]) + good[201:]):
        path.write_bytes(change)
        found = read_manifest(path, desk.chain.root_pem, sidecar)
        assert found.state is ManifestState.INVALID
        assert "assertion.dataHash.mismatch" in found.binding_failures
    path.write_bytes(good)
    sidecar.write_bytes(b"nonsense")
    assert read_manifest(path, desk.chain.root_pem, sidecar).state is not ManifestState.TRUSTED
    sidecar.unlink()
    assert sidecar_of(path) is None
    with pytest.raises(ClipError):
        read_manifest(path, desk.chain.root_pem, sidecar)


# --- hostile contents, signed with a good key ------------------------------------------------------


def signed_by_us(desk, path, assertions=(), ingredients=(), remote=None):
    """A manifest of any shape under our own key: what an insider could make."""
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [opened]}}
    with c2pa.Builder({"title": "x", "assertions": [actions, *assertions]}) as builder:
        with desk.source.open("rb") as source:
            builder.add_ingredient(
                {"title": "s", "relationship": "parentOf", "label": "parent"}, "video/mp4", source
            )
        for title, data in ingredients:
            name = f"{title}-{len(data)}"
            description = {
                "title": title,
                "relationship": "inputTo",
                "data": {"format": "a/b", "identifier": name},
            }
            builder.add_ingredient(description, "application/octet-stream", io.BytesIO())
            builder.add_resource(name, io.BytesIO(data))
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        alg = c2pa.C2paSigningAlg.ES256
        with (
            c2pa.Signer.from_callback(desk.chain.sign, alg, desk.chain.chain_pem) as signer,
            desk.unsealed.open("rb") as reading,
            path.open("w+b") as writing,
        ):
            builder.sign(signer, "video/mp4", reading, writing)
    return path


LABEL = "org.voidaudit.ledger"


def ledger_json(**changes):
    return {**json.loads(assertion().model_dump_json()), **changes}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"x": 1}, "form"),
        (ledger_json(extra="field"), "extra"),
        (ledger_json(edit=5), "edit"),
        (ledger_json(records=[{"index": -1, "envelope": "", "proof": []}]), "records"),
        (ledger_json(records=[{"index": 0, "envelope": "", "proof": ["4" * 64] * 64}]), "records"),
        (ledger_json(format="void-audit-ledger/v9"), "v9"),
        (ledger_json(evidence={"no digest": "x"}), "evidence"),
    ],
)
def test_a_ledger_assertion_out_of_form_is_not_used(desk, tmp_path, data, words):
    path = signed_by_us(desk, tmp_path / "x.mp4", [{"label": LABEL, "data": data, "kind": "Json"}])
    found = read_manifest(path, desk.chain.root_pem)
    assert found.state is ManifestState.TRUSTED
    assert found.ledger is None
    assert any(words in problem for problem in found.problems)


def test_two_ledger_assertions_are_none(desk, tmp_path):
    twice = [{"label": LABEL, "data": ledger_json(edit=e), "kind": "Json"} for e in ("a", "b")]
    found = read_manifest(signed_by_us(desk, tmp_path / "x.mp4", twice), desk.chain.root_pem)
    assert found.ledger is None
    assert any("2 assertions" in problem for problem in found.problems)


def test_a_ledger_assertion_too_large_is_not_parsed(desk, sealed, monkeypatch):
    monkeypatch.setattr(module, "MAX_ASSERTION", 100)
    found = read_manifest(sealed, desk.chain.root_pem)
    assert found.ledger is None
    assert any("larger than 100" in problem for problem in found.problems)


def test_embedded_data_too_large_are_not_read(desk, sealed, monkeypatch):
    monkeypatch.setattr(module, "MAX_EMBEDDED", 1000)
    found = read_manifest(sealed, desk.chain.root_pem)
    assert set(found.embedded) == {"prompt.json", "mask-preview.png"}
    assert any("quadmask.mkv" in problem for problem in found.problems)


def test_too_many_ingredients_are_not_read(desk, sealed, monkeypatch):
    monkeypatch.setattr(module, "MAX_INGREDIENTS", 3)
    found = read_manifest(sealed, desk.chain.root_pem)
    assert found.state is ManifestState.UNREADABLE
    assert "4 ingredients" in found.problems[0]


def test_two_data_of_one_title_are_none(desk, tmp_path):
    pairs = [("prompt.json", b"1"), ("prompt.json", b"22"), ("other", b"333")]
    path = signed_by_us(desk, tmp_path / "x.mp4", ingredients=pairs)
    found = read_manifest(path, desk.chain.root_pem)
    assert found.embedded == {"other": b"333"}
    assert any("prompt.json" in problem for problem in found.problems)


def test_nothing_is_fetched(desk, tmp_path):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/manifest.c2pa"
        path = signed_by_us(desk, tmp_path / "x.mp4", remote=url)
        found = read_manifest(path, desk.chain.root_pem)
        server.shutdown()
    assert asked == []
    assert found.state is ManifestState.MISSING
    assert "network" in found.problems[0]


# --- time ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_without_a_time_stamp_a_file_outlives_its_certificate_only_as_invalid(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(certificates, "LEAF_LIFE", certificates.CLOCK_SKEW + timedelta(seconds=3))
    chain = create_chain(tmp_path / "short", "Short", None)
    path = C2paSealer(chain).seal(desk.request("short.mp4")).path
    while datetime.now(UTC) <= chain.not_after + timedelta(seconds=1):
        threading.Event().wait(0.2)
    found = read_manifest(path, chain.root_pem)
    assert found.state is ManifestState.INVALID
    assert "signingCredential.expired" in found.signer_failures
    assert found.binding_failures == ()


# --- a second opinion, of another code base --------------------------------------------------------


def second_opinion(path, trust_pem, **options):
    report = encypher_c2pa.verify(
        str(path), trust_pem=trust_pem, no_default_trust=True, telemetry=False, online=False, **options
    )
    return report["validation_state"]


def test_another_validator_agrees_on_good_files(desk, stranger, sealed, descendant):
    for path in (sealed, descendant):
        for roots in (desk.chain.root_pem, stranger.chain.root_pem, None):
            state = read_manifest(path, roots).state
            assert second_opinion(path, roots).lower() == state.value
    later = (datetime.now(UTC) + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert second_opinion(sealed, desk.chain.root_pem, validation_time=later) != "Trusted"


@pytest.mark.parametrize("how", [*TAMPERED, "free box"])
def test_another_validator_agrees_on_tampered_files(desk, sealed, tmp_path, how):
    change = extra_box(b"free") if how == "free box" else TAMPERED[how][0]
    path = bent(sealed, tmp_path, change)
    state = read_manifest(path, desk.chain.root_pem).state
    assert second_opinion(path, desk.chain.root_pem).lower() == state.value


# --- who imports whom ------------------------------------------------------------------------------


def test_reading_loads_no_maker():
    script = (
        "import sys, void_audit.audit.manifest\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('torch', 'av', 'cv2', 'sqlalchemy')"
        " or m.startswith(('void_audit.seal', 'void_audit.ledger', 'void_audit.pipeline'))]\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
