import random
import socket
import threading
from contextlib import closing

import c2pa
import pytest
from clips import write_clip
from desk import EMBEDDED, Desk

from void_audit.errors import SealError
from void_audit.seal.adapter import NOT_EMBEDDABLE, Ingredient, read_credentials, sign
from void_audit.seal.certificates import create_chain
from void_audit.seal.definition import data_ingredient, manifest_definition, parent_ingredient


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def signed(desk, tmp_path):
    """Signs with some arguments changed: the manifest, and where the file went."""

    def run(**changes):
        fields = {
            "sign_bytes": desk.chain.sign,
            "chain_pem": desk.chain.chain_pem,
            "root_pem": desk.chain.root_pem,
            "definition": manifest_definition(desk.request()),
            "ingredients": [
                Ingredient(parent_ingredient("source", "video/mp4"), desk.source),
                *(Ingredient(data_ingredient(data), data.content, data.title) for data in EMBEDDED),
            ],
            "source": desk.unsealed,
            "destination": tmp_path / "sealed",
        }
        return sign(**{**fields, **changes}), tmp_path / "sealed"

    return run


@pytest.fixture(scope="module")
def sealed(desk):
    return desk.seal()


def test_the_bytes_that_are_returned_are_those_in_the_file(desk, signed):
    before = desk.unsealed.read_bytes(), desk.source.read_bytes()
    manifest, path = signed()
    assert manifest in path.read_bytes()
    assert (desk.unsealed.read_bytes(), desk.source.read_bytes()) == before
    found = read_credentials(path, desk.chain.root_pem)
    assert (found.state, found.manifest["label"]) == ("trusted", found.label)


def test_what_is_embedded_arrives_byte_for_byte_and_the_parent_is_looked_into(desk, signed, sealed):
    parent = Ingredient(parent_ingredient("sealed", "video/mp4"), sealed)
    data = [Ingredient(data_ingredient(data), data.content, data.title) for data in EMBEDDED]
    manifest, path = signed(ingredients=[parent, *data])
    assert all(item.content in manifest for item in EMBEDDED)
    first, *others = read_credentials(path, None).manifest["ingredients"]
    assert first["relationship"] == "parentOf"
    assert first["active_manifest"] == read_credentials(sealed, None).label
    assert not any("active_manifest" in item for item in others)


def test_a_container_that_holds_no_manifest_is_copied_as_it_is(desk, signed, tmp_path):
    video = write_clip(tmp_path / "lossless.mkv", codec="ffv1")
    manifest, path = signed(source=video)
    assert {"video/x-matroska"} == NOT_EMBEDDABLE
    assert path.read_bytes() == video.read_bytes()
    (tmp_path / "beside").write_bytes(manifest)
    assert read_credentials(video, desk.chain.root_pem).state == "none"
    assert read_credentials(video, desk.chain.root_pem, tmp_path / "beside").state == "trusted"
    video.write_bytes(video.read_bytes()[:-1] + b"!")
    assert read_credentials(video, desk.chain.root_pem, tmp_path / "beside").state == "invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"chain_pem": ""},
        {"chain_pem": "nonsense"},
        {"chain_pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"definition": {}},
        {"definition": {"assertions": 3}},
        {"definition": {"title": float("nan")}},
        {"definition": {"title": b"bytes"}},
        {"definition": {"title": "\ud800"}},
        {"ingredients": []},
        {"sign_bytes": lambda data: b""},
        {"sign_bytes": lambda data: bytes(63)},
        {"sign_bytes": lambda data: bytes(65)},
        {"sign_bytes": lambda data: bytes(10**6)},
    ],
)
def test_whatever_the_library_refuses_is_an_error_of_ours(signed, changes):
    with pytest.raises(SealError) as caught:
        signed(**changes)
    assert caught.value.code == "sign-failed"
    assert len(str(caught.value)) < 500


def test_a_chain_of_another_root_is_noticed_by_reading_back(desk, signed, tmp_path):
    other = create_chain(tmp_path / "other", "Other", None)
    _, path = signed(root_pem=other.root_pem)
    assert read_credentials(path, other.root_pem).state == "valid"
    assert read_credentials(path, desk.chain.root_pem).state == "trusted"


@pytest.mark.parametrize("error", [RuntimeError("deep inside"), OSError("token"), ValueError("\ud800")])
def test_the_exception_of_a_key_is_kept_behind_ours(signed, error):
    def fail(data):
        raise error

    with pytest.raises(SealError) as caught:
        signed(sign_bytes=fail)
    assert caught.value.code == "signing-key-failed"
    assert repr(error) in caught.value.message


def test_a_manifest_of_another_file_does_not_fit(desk, signed, tmp_path):
    manifest, _ = signed()
    (tmp_path / "beside").write_bytes(manifest)
    assert read_credentials(desk.source, desk.chain.root_pem, tmp_path / "beside").state == "invalid"


@pytest.mark.parametrize("content", [b"", bytes(100), b"\xff" * 5000, b"\x00\x00\x00\x10jumb" + bytes(8)])
def test_a_sidecar_of_anything_else_is_unreadable(desk, tmp_path, content):
    (tmp_path / "beside").write_bytes(content)
    found = read_credentials(desk.source, desk.chain.root_pem, tmp_path / "beside")
    assert (found.state, found.label, found.manifest) == ("unreadable", "", None)


def test_a_sidecar_that_is_named_must_be_there(desk, tmp_path):
    with pytest.raises(OSError, match="gone"):
        read_credentials(desk.source, None, tmp_path / "gone")
    with pytest.raises(OSError, match="gone"):
        read_credentials(tmp_path / "gone", None)


def test_without_roots_nobody_is_trusted(desk, sealed, tmp_path):
    other = create_chain(tmp_path / "other", "Other", None)
    assert read_credentials(sealed, desk.chain.root_pem).state == "trusted"
    assert read_credentials(sealed, None).state == "valid"
    assert read_credentials(sealed, other.root_pem).state == "valid"


def test_no_bit_of_the_pictures_can_change(desk, sealed, tmp_path):
    """The library leaves padding of the manifest unhashed; of the pictures nothing is."""
    data, bent = sealed.read_bytes(), tmp_path / "bent.mp4"
    start = data.rindex(b"mdat") + 4
    for place in range(start, len(data), max(1, (len(data) - start) // 40)):
        bent.write_bytes(data[:place] + bytes([data[place] ^ 0x80]) + data[place + 1 :])
        assert read_credentials(bent, desk.chain.root_pem).state not in {"trusted", "valid"}, place


def test_damage_anywhere_is_answered_never_raised(desk, sealed, tmp_path):
    data, bent, dice = sealed.read_bytes(), tmp_path / "bent.mp4", random.Random(8)
    seen = set()
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(dice.choice([1, 8, 60])):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        bent.write_bytes(changed[: dice.choice([len(changed), dice.randrange(len(changed))])])
        found = read_credentials(bent, desk.chain.root_pem)
        assert (found.manifest is None) is (found.state in {"none", "unreadable"})
        seen.add(found.state)
    assert {"invalid", "unreadable"} <= seen


def test_what_a_file_names_is_not_fetched(desk, tmp_path):
    """A file may say that its manifest lies on some server: opening it must not tell that server."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        asked = threading.Event()
        watcher = threading.Thread(target=_accept_one, args=(server, asked))
        watcher.start()
        remote = tmp_path / "remote.mp4"
        url = f"http://127.0.0.1:{server.getsockname()[1]}/m.c2pa"
        _name_remote(desk, remote, url)
        assert url.encode() in remote.read_bytes()
        assert read_credentials(remote, desk.chain.root_pem).state in {"none", "unreadable"}
        assert not asked.is_set()
        socket.create_connection(server.getsockname()).close()  # the watcher would have seen it
        watcher.join(5)
        assert asked.is_set()


def _accept_one(server, asked):
    server.settimeout(5)
    connection, _ = server.accept()
    connection.close()
    asked.set()


def _name_remote(desk, path, url):
    parent = parent_ingredient("source", "video/mp4")
    with (
        c2pa.Builder(dict(manifest_definition(desk.request()))) as builder,
        c2pa.Signer.from_callback(desk.chain.sign, c2pa.C2paSigningAlg.ES256, desk.chain.chain_pem) as signer,
        desk.source.open("rb") as source,
        desk.unsealed.open("rb") as reading,
        path.open("w+b") as writing,
    ):
        builder.add_ingredient(parent, "video/mp4", source)
        builder.set_no_embed()
        builder.set_remote_url(url)
        builder.sign(signer, "video/mp4", reading, writing)
