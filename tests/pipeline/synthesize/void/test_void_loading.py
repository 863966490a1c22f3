"""Networks come from registered files and from nothing else; a file that is not exactly theirs is refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXTransformer3DModel,
    DDIMScheduler,
)
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tiny_void import TRANSFORMER, tiny_transformer, write_tiny_model
from transformers import T5EncoderModel

from void_audit.errors import WeightsError
from void_audit.pipeline.synthesize.void.loading import load_pipeline, load_transformer, refs_of_pass
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline
from void_audit.weights.folders import VerifiedFolder, scan
from void_audit.weights.registry import ModelFolder, Registry
from void_audit.weights.store import ModelStore

PROMPT = "A lime falls on the table."


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "void")


@pytest.fixture
def own(model, tmp_path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(model, tmp_path / "void"))


def approved_as_it_is(root: Path) -> VerifiedFolder:
    """A careless house registers whatever lies there."""
    words = {"purpose": "test", "licence": "CC0", "origin": "made here"}
    folder = ModelFolder(name="void", file=scan(root), dynamics=True, **words)
    return ModelStore(root.parent, Registry(folder=(folder,))).folder("void")


def load(folder: VerifiedFolder, number=1, dtype=torch.bfloat16, scheduler="DDIMScheduler") -> VoidPipeline:
    return load_pipeline(folder, number, dtype, scheduler)


def checkpoint_of(root: Path, **changes: torch.Tensor | None) -> Path:
    """Pass 1's file with tensors changed, added or, by None, left out."""
    path = root / "void_pass1.safetensors"
    tensors = load_file(path)
    names = {name.replace(".", "_"): name for name in tensors}
    for name, tensor in changes.items():
        tensors.pop(names.get(name, name), None)
        if tensor is not None:
            tensors[names.get(name, name)] = tensor
    save_file(tensors, path)
    return path


def refused(root: Path, code: str, **settings: object) -> str:
    with pytest.raises(WeightsError) as caught:
        load(approved_as_it_is(root), **settings)
    assert caught.value.code == code, caught.value
    assert caught.value.hint
    return caught.value.message


def everything(pipeline: VoidPipeline) -> dict[str, torch.Tensor]:
    networks = {name: getattr(pipeline, name) for name in ("text_encoder", "vae", "transformer")}
    return {
        f"{part}.{name}": tensor
        for part, network in networks.items()
        for kind in (network.named_parameters(), network.named_buffers())
        for name, tensor in kind
    }


@pytest.mark.parametrize("number", [1, 2])
def test_the_weights_are_those_of_the_pass(model, number):
    pipeline = load(approved_as_it_is(model), number)
    file = load_file(model / f"void_pass{number}.safetensors")
    state = pipeline.transformer.state_dict()
    assert state.keys() == file.keys()
    assert all(torch.equal(state[name], file[name]) for name in file)
    assert pipeline.transformer.config.in_channels == 48
    assert pipeline.transformer.config.sample_height == TRANSFORMER["sample_height"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_nothing_stays_on_the_meta_device_and_everything_has_the_type_asked_for(model, dtype):
    pipeline = load(approved_as_it_is(model), dtype=dtype)
    tensors = everything(pipeline)
    assert len(tensors) > 100
    assert {tensor.device.type for tensor in tensors.values()} == {"cpu"}
    assert {tensor.dtype for tensor in tensors.values()} == {dtype}
    assert not any(tensor.requires_grad for tensor in tensors.values())
    assert not pipeline.transformer.training
    assert not pipeline.vae.training
    assert not pipeline.text_encoder.training


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_networks_compute_what_the_libraries_own_loading_computes(model, dtype):
    pipeline = load(approved_as_it_is(model), dtype=dtype)
    base, generator = model / "base", torch.Generator().manual_seed(1)
    text = T5EncoderModel.from_pretrained(base / "text_encoder", dtype=dtype).eval()
    vae = AutoencoderKLCogVideoX.from_pretrained(base / "vae", torch_dtype=dtype).eval()
    video = torch.rand(1, 3, 5, 16, 32, generator=generator).to(dtype)
    latents = torch.randn(1, 2, 48, 4, 6, generator=generator).to(dtype)
    stock = CogVideoXTransformer3DModel(**TRANSFORMER)
    stock.load_state_dict(load_file(model / "void_pass1.safetensors"))
    with torch.no_grad():
        ids = pipeline.tokenizer(PROMPT, return_tensors="pt").input_ids
        words = pipeline.text_encoder(ids)[0]
        assert torch.equal(words, text(ids)[0])
        assert torch.equal(pipeline.vae.encode(video)[0].mode(), vae.encode(video)[0].mode())
        given = {"encoder_hidden_states": words, "timestep": torch.tensor([500]), "return_dict": False}
        expected = stock.to(dtype).eval()(latents, **given)[0]
        assert torch.equal(pipeline.transformer(latents, **given)[0], expected)


def test_the_embedding_of_the_text_encoder_is_held_once(model):
    encoder = load(approved_as_it_is(model), dtype=torch.float32).text_encoder
    assert encoder.shared.weight is encoder.encoder.embed_tokens.weight


def test_a_text_encoder_that_is_stored_with_both_names_of_its_embedding(model, own):
    path = own / "base/text_encoder/model-00003-of-00003.safetensors"
    shards = sorted((own / "base/text_encoder").glob("*.safetensors"))
    (words,) = [load_file(file)["shared.weight"] for file in shards if "shared.weight" in load_file(file)]
    save_file(load_file(path) | {"encoder.embed_tokens.weight": words}, path)
    expected, state = (load(approved_as_it_is(root)).text_encoder.state_dict() for root in (model, own))
    assert expected.keys() == state.keys()
    assert all(torch.equal(state[name], expected[name]) for name in state)


@pytest.mark.parametrize("kind", [DDIMScheduler, CogVideoXDDIMScheduler])
def test_both_schedulers_come_from_the_same_config(model, kind):
    scheduler = load(approved_as_it_is(model), scheduler=kind.__name__).scheduler
    assert type(scheduler) is kind
    written = json.loads((model / "base/scheduler/scheduler_config.json").read_text())
    for name in ("beta_start", "beta_end", "prediction_type", "rescale_betas_zero_snr", "timestep_spacing"):
        assert scheduler.config[name] == written[name]
    scheduler.set_timesteps(30)
    assert scheduler.timesteps[:3].tolist() == [999, 966, 932]


def test_no_network_is_asked_and_nothing_is_complained_of(model, monkeypatch, caplog):
    def connect(*_):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    load(approved_as_it_is(model))
    assert caplog.messages == []


def test_it_says_which_files_a_pass_reads(model):
    folder = approved_as_it_is(model)
    names = {ref.name for ref in refs_of_pass(folder, 1)}
    assert "void/void_pass1.safetensors" in names
    assert "void/void_pass2.safetensors" not in names
    others = {ref.name for ref in folder.refs} - names
    assert others == {"void/void_pass2.safetensors", "void/base/model_index.json"}
    for path in others:
        (folder.root / path.removeprefix("void/")).rename(folder.root / "away")
        try:
            load(folder, 1)
        finally:
            (folder.root / "away").rename(folder.root / path.removeprefix("void/"))


def test_the_published_tokenizers_own_format(own):
    """The hub's folder holds a sentencepiece model only; ids are what sentencepiece itself makes of a prompt."""
    pytest.importorskip("google.protobuf", reason="transformers reads sentencepiece models with protobuf")
    written = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter([PROMPT, "Two pens stay on an empty table: nothing else, café ﬁne."] * 4),
        model_writer=written, vocab_size=70, hard_vocab_limit=False, num_threads=1, minloglevel=2,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
    )  # fmt: skip
    shutil.rmtree(own / "base/tokenizer")
    (own / "base/tokenizer").mkdir()
    (own / "base/tokenizer/spiece.model").write_bytes(written.getvalue())
    fields = {"tokenizer_class": "T5Tokenizer", "extra_ids": 100, "legacy": True, "model_max_length": 512}
    (own / "base/tokenizer/tokenizer_config.json").write_text(json.dumps(fields))
    tokenizer = load(approved_as_it_is(own)).tokenizer
    plain = SentencePieceProcessor(model_proto=written.getvalue())
    for text in (PROMPT, "", "  two   pens\nstay ", "ﬁne Ａ café", "日本 table", "e\u0301"):
        assert tokenizer(text).input_ids == [*plain.encode(text), 1]


class TestUnregisteredFiles:
    """What is not registered changes nothing, wherever a library would look for it."""

    @pytest.fixture
    def strewn(self, own) -> VerifiedFolder:
        folder = approved_as_it_is(own)
        other = write_tiny_model(own.parent / "other", seed=7) / "base"
        shards = json.loads((other / "text_encoder/model.safetensors.index.json").read_text())
        files = set(shards["weight_map"].values())
        for file in files:
            shutil.copy(other / "text_encoder" / file, own / "base/text_encoder" / f"other-{file}")
        own_index = own / "base/vae/diffusion_pytorch_model.safetensors.index.json"
        own_index.write_text(json.dumps({"metadata": {}, "weight_map": {"x": "nothing.safetensors"}}))
        shutil.copy(
            other / "text_encoder/model-00001-of-00003.safetensors",
            own / "base/text_encoder/model.safetensors",
        )
        (own / "base/text_encoder/pytorch_model.bin").write_bytes(pickle.dumps({"shared.weight": 1}))
        (own / "base/text_encoder/generation_config.json").write_text('{"max_length": 3}')
        (own / "base/text_encoder/modeling.py").write_text("raise SystemExit('code of a stranger')")
        (own / "base/tokenizer/spiece.model").write_bytes(b"other")
        (own / "base/tokenizer/added_tokens.json").write_text(json.dumps({"lime": 4}))
        (own / "base/tokenizer/special_tokens_map.json").write_text('{"pad_token": "</s>"}')
        (own / "base/transformer/diffusion_pytorch_model.safetensors").write_bytes(b"")
        return folder

    def test_they_change_nothing(self, model, strewn):
        clean, pipeline = load(approved_as_it_is(model)), load(strewn)
        expected = everything(clean)
        assert all(torch.equal(tensor, expected[name]) for name, tensor in everything(pipeline).items())
        for text in (PROMPT, "lime", ""):
            given = {"padding": "max_length", "max_length": 226}
            assert pipeline.tokenizer(text, **given).input_ids == clean.tokenizer(text, **given).input_ids

    @pytest.mark.parametrize(
        "missing",
        ["void_pass1.safetensors", "base/transformer/config.json", "base/vae/config.json",
         "base/scheduler/scheduler_config.json", "base/text_encoder/config.json"],
    )  # fmt: skip
    def test_one_that_should_be_registered_is_not_read(self, own, missing):
        kept = (own / missing).read_bytes()
        (own / missing).unlink()
        folder = approved_as_it_is(own)
        (own / missing).write_bytes(kept)
        with pytest.raises(WeightsError) as caught:
            load(folder)
        assert caught.value.code == "weights-unregistered"
        assert missing in caught.value.message

    @pytest.mark.parametrize("part", ["text_encoder", "vae"])
    def test_weights_that_should_be_registered_are_not_read(self, own, part):
        for path in (own / "base" / part).glob("*.safetensors"):
            path.rename(own / f"away-{path.name}")
        folder = approved_as_it_is(own)
        for path in own.glob("away-*"):
            path.rename(own / "base" / part / path.name.removeprefix("away-"))
        with pytest.raises(WeightsError) as caught:
            load(folder)
        assert caught.value.code == "weights-keys"


class TestRegisteredButWrong:
    """A house can register the wrong thing. Then it learns what is wrong with it."""

    def test_a_base_of_33_channels(self, own):
        checkpoint_of(own, patch_embed_proj_weight=torch.zeros(128, 264, dtype=torch.bfloat16))
        said = refused(own, "weights-shapes")
        assert "patch_embed.proj.weight is [128, 264], the model has [128, 384]" in said

    def test_a_tensor_is_missing(self, own):
        checkpoint_of(own, proj_out_bias=None)
        assert "1 tensors are missing (proj_out.bias)" in refused(own, "weights-keys")

    def test_a_tensor_too_many(self, own):
        checkpoint_of(own, **{"lora.down": torch.zeros(2)})
        assert "1 tensors are unexpected (lora.down)" in refused(own, "weights-keys")

    def test_another_models_file_names_some_of_the_differences(self, own):
        shutil.copy(own / "base/vae/diffusion_pytorch_model.safetensors", own / "void_pass1.safetensors")
        said = refused(own, "weights-keys")
        assert "missing (norm_final.bias, " in said
        assert said.endswith(", ...).")
        assert len(said) < 500

    def test_a_tensor_that_is_transposed(self, own):
        weight = load_file(own / "void_pass1.safetensors")["patch_embed.text_proj.weight"]
        checkpoint_of(own, patch_embed_text_proj_weight=weight.T.contiguous())
        assert "patch_embed.text_proj.weight is [64, 128]" in refused(own, "weights-shapes")

    @pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.int8, torch.float64])
    def test_a_quantised_file(self, own, dtype):
        weight = load_file(own / "void_pass1.safetensors")["proj_out.weight"]
        checkpoint_of(own, proj_out_weight=weight.to(dtype))
        assert "proj_out.weight is" in refused(own, "weights-dtypes")

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
    def test_other_floats_are_converted(self, own, dtype):
        path = own / "void_pass1.safetensors"
        save_file({name: tensor.to(dtype) for name, tensor in load_file(path).items()}, path)
        assert load(approved_as_it_is(own)).transformer.dtype == torch.bfloat16

    @pytest.mark.parametrize("part", ["text_encoder", "vae"])
    def test_a_tensor_of_the_other_networks_is_missing(self, own, part):
        path = sorted((own / "base" / part).glob("*.safetensors"))[0]
        tensors = load_file(path)
        tensors.popitem()
        save_file(tensors, path)
        refused(own, "weights-keys")

    def test_two_variants_of_the_text_encoder_at_once(self, own):
        folder = own / "base/text_encoder"
        shutil.copy(folder / "model-00001-of-00003.safetensors", folder / "model.fp16.safetensors")
        assert "twice" in refused(own, "weights-keys")

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("transformer/config.json", "[]"),
            ("transformer/config.json", "{"),
            ("transformer/config.json", "\ud800".encode("utf-8", "surrogatepass")),
            ("transformer/config.json", '{"num_layers": "two"}'),
            ("transformer/config.json", '{"attention_head_dim": -1}'),
            ("vae/config.json", '{"block_out_channels": 3}'),
            ("vae/config.json", '{"down_block_types": ["NoSuchBlock"]}'),
            ("text_encoder/config.json", '{"feed_forward_proj": "x-y-z"}'),
            ("scheduler/scheduler_config.json", '{"beta_schedule": "none such"}'),
            ("tokenizer/tokenizer.json", "{}"),
        ],
    )
    def test_a_configuration_of_something_else(self, own, file, text):
        (own / "base" / file).write_bytes(text if isinstance(text, bytes) else text.encode())
        refused(own, "weights-config")

    def test_a_tokenizer_that_is_not_there(self, own):
        shutil.rmtree(own / "base/tokenizer")
        refused(own, "weights-config")

    def test_code_in_the_folder_is_never_run(self, own):
        for part in ("text_encoder", "tokenizer"):
            file = (
                own / "base" / part / ("config.json" if part == "text_encoder" else "tokenizer_config.json")
            )
            fields = json.loads(file.read_text())
            auto = {
                "AutoModel": "code.Model",
                "AutoTokenizer": ["code.Tokenizer", None],
                "AutoConfig": "code.C",
            }
            file.write_text(json.dumps(fields | {"auto_map": auto}))
            (file.parent / "code.py").write_text("raise SystemExit('code of a stranger')")
        load(approved_as_it_is(own))


class TestDamagedAfterVerification:
    """Between check and use a file can still change. What was checked first is checked by the loader again."""

    @pytest.mark.parametrize("cut", [4, 8, 100, -1])
    def test_cut(self, own, cut):
        folder = approved_as_it_is(own)
        path = own / "void_pass1.safetensors"
        path.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(WeightsError) as caught:
            load(folder)
        assert caught.value.code == "weights-truncated"

    @pytest.mark.parametrize("protocol", [2, 4, 5])
    def test_a_pickle_is_never_opened(self, own, protocol):
        folder = approved_as_it_is(own)

        class Evil:
            def __reduce__(self):
                return (os.mkdir, (str(own / "evil"),))

        (own / "void_pass1.safetensors").write_bytes(pickle.dumps(Evil(), protocol))
        with pytest.raises(WeightsError) as caught:
            load(folder)
        assert caught.value.code == "weights-pickled"
        assert not (own / "evil").exists()


def test_a_transformer_alone(model):
    config = json.loads((model / "base/transformer/config.json").read_text())
    assert config["in_channels"] == 33
    transformer = load_transformer(config, model / "void_pass2.safetensors", torch.float32)
    weights = tiny_transformer(2).state_dict()
    state = transformer.state_dict()
    assert all(torch.equal(state[name], weights[name].bfloat16().float()) for name in weights)


FULL_SIZE = TRANSFORMER | {
    "num_attention_heads": 48,
    "num_layers": 42,
    "time_embed_dim": 512,
    "text_embed_dim": 4096,
}
MEASURE = """
import sys, torch
from pathlib import Path
from void_audit.pipeline.synthesize.void.loading import load_transformer

def peak():
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024

before = peak()
model = load_transformer({config}, Path(sys.argv[1]), torch.bfloat16)
print(peak() - before, sum(parameter.numel() for parameter in model.parameters()))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_the_full_size_is_mapped_and_not_copied(tmp_path):
    """1024 tensors of 11 GB (zeros, in a file without blocks); less than 1 % of it is taken."""
    with torch.device("meta"):
        shapes = CogVideoXTransformer3DModel(**FULL_SIZE).state_dict()
    header, end = {}, 0
    for name, tensor in shapes.items():
        begin, end = end, end + 2 * tensor.numel()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    assert (len(header), end) == (1024, 11_142_925_568)
    path, text = tmp_path / "void_pass1.safetensors", json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(config=FULL_SIZE | {"in_channels": 33}), str(path)],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    taken, parameters = map(int, done.stdout.split())
    assert parameters == 5_571_462_784
    assert taken < 0.01 * end
