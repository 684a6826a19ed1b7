"""llama.cpp's server as a program: weights, chat template, port and model name are its arguments."""

import sys
import threading
from pathlib import Path

import xllamacpp

CONTEXT_TOKENS = 4096
N_SLOTS = 4


def main(weights: str, template: str, port: str, name: str) -> None:
    options = xllamacpp.CommonParams()
    options.model.path = weights
    options.model_alias = {name}
    options.chat_template = Path(template).read_text(encoding="utf-8")
    options.use_jinja = True
    options.force_pure_content_parser = False
    options.port = int(port)
    options.n_parallel = N_SLOTS
    options.n_ctx = CONTEXT_TOKENS * N_SLOTS
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
    options.endpoint_metrics = True
    options.warmup = False
    server = xllamacpp.Server(options)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
