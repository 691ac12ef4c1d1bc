# moca built on a plain Debian 12.
#   docker build -t moca .
#   docker run --rm -it -v "$PWD/work:/work" moca train /moca/configs/quickstart_vae.yaml
# For CPUs; Dockerfile.cuda is for GPUs.
FROM debian:12
COPY . /moca
WORKDIR /moca
RUN scripts/setup.sh && scripts/build.sh build -DMOCA_TESTS=OFF && \
    rm -rf /var/lib/apt/lists/*
ENV PATH="/moca/build:${PATH}"
WORKDIR /work
ENTRYPOINT ["/moca/build/moca"]
CMD ["--help"]
