"""What the comparisons share: running npurt, finding clips, and the same weights in PyTorch.

None of this is part of npurt or of its tests. The scripts need packages that Debian does not have:
    python3 -m venv bench && bench/bin/pip install torch transformers faster-whisper librosa jiwer whisper-normalizer
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import NamedTuple

AUDIO = {".wav", ".flac", ".opus", ".ogg", ".mp3"}


def find_clips(folders):
    """Name without extension -> file, for every audio file in the folders."""
    return {f.stem: f for folder in folders for f in sorted(Path(folder).rglob("*")) if f.suffix in AUDIO}


def read_texts(tsv, count):
    """The first `count` (file, text) pairs of a table whose audio lies in a folder of the same name."""
    clips = find_clips([Path(tsv).with_suffix("")])
    rows = [line.split("\t", 1) for line in Path(tsv).read_text().splitlines()]
    return [(clips[name], text) for name, text in rows if name in clips][:count]


def npurt(binary, graph, files, threads=0, flags=(), **parameters):
    """Transcribes all files in one process; file -> JSON document."""
    with tempfile.TemporaryDirectory() as out:
        command = [binary, "run", graph, *map(str, files), "-o", out + "/", "--format", "json", "--quiet", "--threads", str(threads), *flags]
        for name, value in parameters.items():
            command += ["--set", f"{name}={value}"]
        done = subprocess.run(command, text=True, stderr=subprocess.PIPE)
        if done.returncode:
            sys.exit(done.stderr)
        return {f: json.loads((Path(out) / (Path(f).stem + ".json")).read_text()) for f in files}


class Measured(NamedTuple):
    wall: float  # seconds
    first: float  # seconds until something is printed; as long as `wall` if nothing is
    cpu: float  # seconds
    peak: int  # resident bytes
    text: str  # stdout
    errors: str  # stderr


def measure(command):
    """Runs a command as a process of its own."""
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL)
        parts, first = [], None
        while part := os.read(process.stdout.fileno(), 65536):
            if first is None and part.strip():
                first = time.perf_counter() - start
            parts.append(part)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.stdout.close()
        process.returncode = status
        errors.seek(0)
        said = errors.read()
    text = b"".join(parts).decode(errors="replace")
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{text}{said}")
    return Measured(wall, wall if first is None else first, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text, said)


def machine():
    """Processor, its cores and what it multiplies."""
    facts = {k.strip(): v for k, _, v in (line.partition(": ") for line in Path("/proc/cpuinfo").read_text().splitlines())}
    known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8")
    return f"{facts['model name']}, {os.cpu_count()} cores, " + " ".join(f for f in known if f in facts["flags"].split())


def duration(file):
    """Seconds of audio, as ffprobe has it."""
    ask = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(file)]
    return float(subprocess.run(ask, check=True, text=True, stdout=subprocess.PIPE).stdout)


def join_clips(tsv, seconds, target):
    """The first clips of a table as one 16 kHz wav of at least `seconds`, with 0.4 s between them: (file, text)."""
    pcm, texts = b"", []
    for file, text in read_texts(tsv, None):
        convert = ["ffmpeg", "-v", "error", "-i", str(file), "-ar", "16000", "-ac", "1", "-f", "s16le", "-"]
        pcm += subprocess.run(convert, check=True, stdout=subprocess.PIPE).stdout + bytes(2 * 6400)
        texts.append(text)
        if len(pcm) >= seconds * 32000:
            break
    with wave.open(str(target), "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(pcm)
    return target, " ".join(texts)


def read_ctranslate2(folder):
    """The tensors of a CTranslate2 model.bin as float32 (format: docs/models.md)."""
    import numpy as np

    data = (Path(folder) / "model.bin").read_bytes()
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def text():
        nonlocal at
        size = take("H")
        at += size
        return data[at - size : at].rstrip(b"\0").decode()

    take("I"), text(), take("I")
    tensors = {}
    for _ in range(take("I")):
        name, rank = text(), take("B")
        dims = [take("I") for _ in range(rank)]
        kind, size = take("B"), take("I")
        dtype = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}[kind]
        tensors[name] = np.frombuffer(data, dtype, size // np.dtype(dtype).itemsize, at).reshape(dims).astype(np.float32)
        at += size
    return tensors


def pytorch_model(folder):
    """Hugging Face's Whisper with the weights of a CTranslate2 folder: (model, config.json, tokenizer)."""
    import numpy as np
    import torch
    from tokenizers import Tokenizer
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    tensors = read_ctranslate2(folder)
    vocab, width = tensors["decoder/embeddings/weight"].shape
    layers = sum(name.startswith("encoder/layer_") and name.endswith("ffn/linear_0/bias") for name in tensors)
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=vocab, d_model=width, encoder_layers=layers, decoder_layers=layers, num_mel_bins=80,
            encoder_attention_heads=width // 64, decoder_attention_heads=width // 64,
            encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width,
        )
    ).eval()  # fmt: skip
    state = {"proj_out.weight": tensors["decoder/embeddings/weight"]}

    def put(target, source):
        for ours, theirs in (("weight", "gamma"), ("bias", "beta")) if source.endswith("norm") else (("weight",) * 2, ("bias",) * 2):
            state[f"model.{target}.{ours}"] = tensors[f"{source}/{theirs}"]

    def put_attention(target, source, cross):
        rows = [tensors[f"{source}/linear_0/{x}"] for x in ("weight", "bias")]
        if cross:
            more = [tensors[f"{source}/linear_1/{x}"] for x in ("weight", "bias")]
            rows = [np.concatenate(pair) for pair in zip(rows, more)]
        for i, name in enumerate("qkv"):
            part = slice(i * width, (i + 1) * width)
            state[f"model.{target}.{name}_proj.weight"] = rows[0][part]
            if name != "k":
                state[f"model.{target}.{name}_proj.bias"] = rows[1][part]
        put(f"{target}.out_proj", f"{source}/linear_{2 if cross else 1}")

    for i in (1, 2):
        put(f"encoder.conv{i}", f"encoder/conv{i}")
    for side in ("encoder", "decoder"):
        state[f"model.{side}.embed_positions.weight"] = tensors[f"{side}/position_encodings/encodings"]
        put(f"{side}.layer_norm", f"{side}/layer_norm")
        for i in range(layers):
            ours, theirs = f"{side}.layers.{i}", f"{side}/layer_{i}"
            put(f"{ours}.self_attn_layer_norm", f"{theirs}/self_attention/layer_norm")
            put_attention(f"{ours}.self_attn", f"{theirs}/self_attention", False)
            if side == "decoder":
                put(f"{ours}.encoder_attn_layer_norm", f"{theirs}/attention/layer_norm")
                put_attention(f"{ours}.encoder_attn", f"{theirs}/attention", True)
            put(f"{ours}.final_layer_norm", f"{theirs}/ffn/layer_norm")
            put(f"{ours}.fc1", f"{theirs}/ffn/linear_0")
            put(f"{ours}.fc2", f"{theirs}/ffn/linear_1")
    state["model.decoder.embed_tokens.weight"] = tensors["decoder/embeddings/weight"]
    missing = model.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
    assert not missing.unexpected_keys and not missing.missing_keys, missing
    config = json.loads((Path(folder) / "config.json").read_text())
    return model, config, Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))


def pytorch_texts(folder, files):
    """Greedy f32 decoding without timestamps of the first 30 s of each file, as the model's authors define it."""
    import librosa
    import torch
    from transformers import WhisperFeatureExtractor

    model, config, tokenizer = pytorch_model(folder)
    extract = WhisperFeatureExtractor()
    english = model.config.vocab_size == 51864
    start = [50257, 50362] if english else [50258, 50259, 50359, 50363]
    end, special = (50256, 50257) if english else (50257, 50258)
    for file in files:
        audio = librosa.load(file, sr=16000, mono=True)[0][:480000]
        with torch.no_grad():
            encoded = model.model.encoder(extract(audio, sampling_rate=16000, return_tensors="pt").input_features)
            tokens, fed, cache = [], torch.tensor([start]), None
            while len(tokens) < 224:
                out = model(encoder_outputs=encoded, decoder_input_ids=fed, past_key_values=cache, use_cache=True)
                cache, logits = out.past_key_values, out.logits[0, -1]
                logits[config["suppress_ids"] + ([] if tokens else config["suppress_ids_begin"])] = -1e9
                logits[special:] = -1e9
                token = int(logits.argmax())
                if token == end:
                    break
                tokens.append(token)
                fed = torch.tensor([[token]])
        yield tokenizer.decode(tokens)
