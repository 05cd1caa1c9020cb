# syntax=docker/dockerfile:1

# KayCI's images. The last one, which is built by default, is one static program and the
# certificates to check git hosts by.
# The program is compiled on the building machine for whatever platform is asked.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION="" REVISION=""
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION -X main.revision=$REVISION" -o /image/usr/local/bin/kayci ./cmd/kayci
RUN mkdir -p -m 0755 /image/etc/ssl/certs && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ && \
    echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' > /image/etc/passwd && \
    echo 'nonroot:x:65532:' > /image/etc/group && \
    mkdir -p -m 0700 /image/home/nonroot && chown 65532:65532 /image/home/nonroot && \
    mkdir -m 1777 /image/tmp

# The image of the steps that ci.checkout makes: the same program, with git, Git LFS
# and the shell that git starts its helpers with.
FROM alpine:3.22 AS git
RUN apk add --no-cache git git-lfs
ARG VERSION="" REVISION=""
LABEL org.opencontainers.image.title="KayCI with git" \
      org.opencontainers.image.description="Kubernetes-native CI, driven by GitOps" \
      org.opencontainers.image.source="https://github.com/kayci/kayci" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /image /
USER 65532:65532
WORKDIR /home/nonroot
ENTRYPOINT ["/usr/local/bin/kayci"]

FROM scratch
ARG VERSION="" REVISION=""
LABEL org.opencontainers.image.title="KayCI" \
      org.opencontainers.image.description="Kubernetes-native CI, driven by GitOps" \
      org.opencontainers.image.source="https://github.com/kayci/kayci" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /image /
USER 65532:65532
WORKDIR /home/nonroot
ENTRYPOINT ["/usr/local/bin/kayci"]
