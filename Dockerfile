# The project's three images: the server, with the tools that only need Node; the loader; the builder.
# `npm run images -- --push PREFIX` builds and pushes them. Without it:
#
#   npm run images -- --context build/images
#   docker buildx build --platform linux/amd64,linux/arm64 --target loader --push \
#     --tag registry.example.com/tools/substratus-loader:0.2.0 build/images
#
# BASE is any Debian with Node.js 24.14 or newer. Packages that it already has are not installed again.
ARG BASE=docker.io/library/node:24-bookworm-slim
ARG BUILDKIT=docker.io/moby/buildkit:v0.34.2-rootless

FROM ${BUILDKIT} AS buildkit

FROM ${BASE} AS base
ARG VERSION=0.2.0
ARG REVISION=
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# No image: `npm run images` builds it first, because it fails at once if a platform has no emulator.
FROM base AS probe
RUN node --version

# Where Pods may run as root, the tools do, so that they can read the files of any container.
FROM base AS tools
COPY tools/ /opt/substratus/
WORKDIR /content
ENTRYPOINT ["/bin/sh", "/opt/substratus/init.sh", "node", "/opt/substratus/main.ts"]

FROM tools AS loader
LABEL org.opencontainers.image.title="Substratus on Metacontroller: the loader" \
      org.opencontainers.image.description="Loads sources, and copies from and to buckets."
RUN rclone version && python3 -c 'import huggingface_hub' || { \
      apt-get update \
      && apt-get install --yes --no-install-recommends ca-certificates python3-pip rclone \
      && pip install --break-system-packages --no-cache-dir huggingface_hub==2.4.0 \
      && rm -rf /var/lib/apt/lists/*; }

# BuildKit without root: newuidmap and newgidmap carry file capabilities instead of a setuid bit,
# and user 1000 owns a range of ids.
FROM tools AS builder
LABEL org.opencontainers.image.title="Substratus on Metacontroller: the builder" \
      org.opencontainers.image.description="Builds and packages images, rootless."
RUN git --version && git lfs version && ssh -V && command -v newuidmap setcap || { \
      apt-get update \
      && apt-get install --yes --no-install-recommends ca-certificates git git-lfs libcap2-bin openssh-client uidmap \
      && rm -rf /var/lib/apt/lists/*; }
COPY --from=buildkit /usr/bin/buildctl /usr/bin/buildkitd /usr/bin/rootlesskit /usr/local/bin/
COPY --from=buildkit /usr/bin/buildkit-runc /usr/local/bin/buildkit-runc
RUN chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap \
    && setcap cap_setuid=ep /usr/bin/newuidmap \
    && setcap cap_setgid=ep /usr/bin/newgidmap \
    && sed -i '/:1000:/d' /etc/passwd /etc/group \
    && echo 'build:x:1000:1000::/home/build:/bin/sh' >>/etc/passwd \
    && echo 'build:x:1000:' >>/etc/group \
    && echo 'build:100000:65536' | tee /etc/subuid >/etc/subgid \
    && mkdir -p /home/build && chown 1000:1000 /home/build
USER 1000

# Building it runs nothing, so it needs no network, and no emulation for other architectures. The Pods set
# the user: any uid works, because nothing is written.
FROM base AS substratus
LABEL org.opencontainers.image.title="Substratus on Metacontroller" \
      org.opencontainers.image.description="Answers Metacontroller's hooks and the API server's admission reviews."
COPY app/ tools/init.sh /app/
WORKDIR /app
ENV NODE_ENV=production
EXPOSE 9443
# The heap follows the memory limit of the container, whatever it is. With a small young generation the
# server takes 45 MiB less when idle and 70 MiB less under load, at the same CPU.
ENTRYPOINT ["/bin/sh", "/app/init.sh", "node", "--max-old-space-size-percentage=75", "--max-semi-space-size=4", "/app/dist/cli/main.js"]
CMD ["--help"]
