package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/local/build"
	"github.com/kayci/kayci/local/debian"
	"github.com/kayci/kayci/local/image"
)

// imageCommand assembles images: each sub-command is one kind of image.
func (s *settings) imageCommand(ctx context.Context) *cobra.Command {
	var tag, output, binary string
	parent := &cobra.Command{Use: "image", Short: "Assemble an image as a tar, without a registry or Docker"}
	kind := func(name, short, defaultTag string, assemble func(context.Context) (image.Image, error)) *cobra.Command {
		cmd := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			if output == "" {
				return errors.New("say with --output where to write the image")
			}
			if !cmd.Flags().Changed("tag") {
				tag = defaultTag
			}
			return s.out.Step("assembling "+tag, func(func(string)) error {
				img, err := assemble(ctx)
				if err != nil {
					return err
				}
				return img.Save(tag, output, s.images())
			})
		}}
		cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write")
		cmd.Flags().StringVar(&tag, "tag", defaultTag, "the image's name")
		parent.AddCommand(cmd)
		return cmd
	}
	kind("busybox", "Debian's busybox", "docker.io/library/busybox:1.37", s.busybox)
	kind("golang", "This machine's Go, with git and busybox", "docker.io/library/golang:1.26", s.golang)
	kind("kueue", "Kueue, which is built if need be", "kayci.local/kueue:dev", s.kueue)
	errNoBinary := errors.New("say with --binary where KayCI's static binary is")
	kayci := kind("kayci", "KayCI", "kayci.local/kayci:dev", func(context.Context) (image.Image, error) {
		if binary == "" {
			return image.Image{}, errNoBinary
		}
		return image.KayCI(binary)
	})
	git := kind("kayci-git", "KayCI with this machine's git, and Git LFS, which is built if need be", "kayci.local/kayci:dev-git", func(ctx context.Context) (image.Image, error) {
		if binary == "" {
			return image.Image{}, errNoBinary
		}
		return s.kayciGit(ctx, binary)
	})
	for _, cmd := range []*cobra.Command{kayci, git} {
		cmd.Flags().StringVar(&binary, "binary", "", "KayCI's static binary")
	}
	return parent
}

func (s *settings) kayciGit(ctx context.Context, binary string) (image.Image, error) {
	if err := debian.Ensure(ctx, s.out, debian.Images()); err != nil {
		return image.Image{}, err
	}
	lfs, err := s.provideGitLFS(ctx)
	if err != nil {
		return image.Image{}, err
	}
	return image.KayCIGit(ctx, binary, lfs)
}

func (s *settings) busybox(ctx context.Context) (image.Image, error) {
	if err := debian.Ensure(ctx, s.out, debian.Images()); err != nil {
		return image.Image{}, err
	}
	binary, err := debian.Find("busybox")
	if err != nil {
		return image.Image{}, err
	}
	return image.Busybox(ctx, binary)
}

func (s *settings) golang(ctx context.Context) (image.Image, error) {
	if err := debian.Ensure(ctx, s.out, debian.Images()); err != nil {
		return image.Image{}, err
	}
	return image.Golang(ctx)
}

func (s *settings) kueue(ctx context.Context) (image.Image, error) {
	source, err := s.sourceDir()
	if err != nil {
		return image.Image{}, err
	}
	if err := s.cache.Ensure(ctx, s.out, source, []build.Program{build.Kueue()}); err != nil {
		return image.Image{}, err
	}
	return image.Kueue(filepath.Join(s.cache.Bin(), "kueue"))
}
