local ci = import 'kayci.libsonnet';
local text = |||
  echo $ $$ $(date) $(KAYCI_X) ${X} $$$ '^a$'
|||;
ci.pipeline('scripts', [
  ci.job('script', ci.script('busybox:1.37', text)),
  ci.job('shell', ci.script('busybox:1.37', text, shell=['env', 'A=$(B)$$', 'sh', '-c'])),
  ci.job('verbatim', ci.step('main', 'busybox:1.37', command=['sh', '-c', ci.verbatim(text)], args='$(HOME)', env={ A: '$(HOME)' })),
  ci.job('sh', ci.script('busybox:1.37', '#!/bin/sh\n' + text)),
  ci.job('sh-with-flags', ci.script('busybox:1.37', '\n#! /usr/bin/env -S sh -x -u\r\n' + text)),
  ci.job('bash', ci.script('bash:5', '#!/bin/bash\n' + text, shell=['/usr/local/bin/bash', '-ec'])),
  ci.job('python', ci.script('python:3', '#!/usr/bin/env python3\nprint("$$")', shell=['python3', '-c'])),
  ci.job('one-word', ci.script('busybox:1.37', 'true', shell='run')),
  ci.job('expand', ci.step('main', 'busybox:1.37', args=['--sha=$(KAYCI_SHA)'])) + ci.expandParams(['main']),
], notifiers=[
  ci.notifier.job('job', ci.script('busybox:1.37', text)),
  ci.notifier.slack('slack', 'chat', title=std.rstripChars(text, '\n')),
], services=[ci.service('web', ci.script('busybox:1.37', text), 8080)])
