# moca built on a plain Debian 12.
#   docker build -t moca .
#   docker run --rm -it -v "$PWD/work:/work" moca train /moca/configs/quickstart_vae.yaml
# With a GPU: docker build --build-arg BASE=nvidia/cuda:13.0.1-cudnn-devel-debian12 ... --gpus all
ARG BASE=debian:12
FROM ${BASE}
COPY . /moca
WORKDIR /moca
RUN scripts/setup.sh && scripts/build.sh build -DMOCA_TESTS=OFF && \
    rm -rf /var/lib/apt/lists/*
ENV PATH="/moca/build:${PATH}"
WORKDIR /work
ENTRYPOINT ["/moca/build/moca"]
CMD ["--help"]
