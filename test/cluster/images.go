package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/render"
)

const builtImage = "kayci.local/kayci:dev"

// jobImages are those that the examples and the tests name, by the name that
// the local cluster's program has for what it puts into them.
func jobImages() map[string]string {
	return map[string]string{
		"busybox": "docker.io/library/busybox:1.37",
		"golang":  "docker.io/library/golang:1.26",
	}
}

// prepareImages returns the name and the digest of KayCI's image, once the
// cluster has it. A cluster that isn't the local one pulls the other images.
func (c *Cluster) prepareImages(ctx context.Context) (image, digest string, err error) {
	if err := os.MkdirAll(c.opts.Cache, 0o750); err != nil {
		return "", "", fmt.Errorf("make a folder for images: %w", err)
	}
	if !c.opts.Current {
		if err := c.loadImages(ctx, jobImages()); err != nil {
			return "", "", err
		}
	}
	if c.opts.Image != "" {
		return c.opts.Image, "", nil
	}
	binary, err := c.buildProgram(ctx)
	if err != nil {
		return "", "", err
	}
	if _, err := c.loadImage(ctx, "kayci-git", binary, render.GitImage(builtImage)); err != nil {
		return "", "", err
	}
	tar, err := c.loadImage(ctx, "kayci", binary, builtImage)
	if err != nil {
		return "", "", err
	}
	digest, err = sum(tar)
	return builtImage, digest, err
}

// loadImage assembles one of the images that have KayCI's program in them, and returns
// its tar once the cluster has it.
func (c *Cluster) loadImage(ctx context.Context, kind, binary, tag string) (tar string, err error) {
	tar = filepath.Join(c.opts.Cache, kind+".tar")
	if err := c.local(ctx, nil, "image", kind, "--binary", binary, "--tag", tag, "--output", tar); err != nil {
		return "", fmt.Errorf("assemble the image %s: %w", tag, err)
	}
	if err := c.local(ctx, nil, "load", tar); err != nil {
		return "", fmt.Errorf("load the image %s: %w", tag, err)
	}
	return tar, nil
}

func (c *Cluster) buildProgram(ctx context.Context) (binary string, err error) {
	binary = filepath.Join(c.opts.Cache, "kayci")
	c.opts.Progress.Say("building KayCI (the first time this takes minutes)")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./cmd/kayci")
	build.Dir = c.opts.Source
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	var stderr bytes.Buffer
	build.Stderr = &stderr
	if err := run(build, &stderr); err != nil {
		return "", fmt.Errorf("build KayCI: %w", err)
	}
	return binary, nil
}

// loadImages loads those that the node doesn't have yet, by the name that the
// local cluster's program has for what it puts into them.
func (c *Cluster) loadImages(ctx context.Context, images map[string]string) error {
	if err := os.MkdirAll(c.opts.Cache, 0o750); err != nil {
		return fmt.Errorf("make a folder for images: %w", err)
	}
	present, err := c.presentImages(ctx)
	if err != nil {
		return err
	}
	for kind, image := range images {
		if slices.Contains(present, image) {
			continue
		}
		tar := filepath.Join(c.opts.Cache, kind+".tar")
		if err := c.local(ctx, nil, "image", kind, "--tag", image, "--output", tar); err != nil {
			return fmt.Errorf("assemble image %s: %w", image, err)
		}
		if err := c.local(ctx, nil, "load", tar); err != nil {
			return fmt.Errorf("load image %s: %w", image, err)
		}
		if err := os.Remove(tar); err != nil {
			return fmt.Errorf("remove the tar of image %s: %w", image, err)
		}
	}
	return nil
}

func (c *Cluster) presentImages(ctx context.Context) ([]string, error) {
	var nodes corev1.NodeList
	if err := c.Client.List(ctx, &nodes); err != nil {
		return nil, fmt.Errorf("list the node's images: %w", err)
	}
	var names []string
	for i := range nodes.Items {
		for _, image := range nodes.Items[i].Status.Images {
			names = append(names, image.Names...)
		}
	}
	return names, nil
}

func sum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read image: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("read image: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
