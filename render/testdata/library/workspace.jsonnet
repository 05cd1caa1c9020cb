local ci = import 'kayci.libsonnet';
local work = ci.script('busybox:1.36', 'ls');
[
  ci.pipeline('workspace', workspace=ci.workspace('1Gi'), jobs=[
    ci.job('all', work),
    ci.job('none', work) + ci.mountWorkspace([]),
    ci.job('some', [work, work]) + ci.mountWorkspace(['main']),
  ]),
  ci.pipeline('many', [ci.job('a', work)], workspace=ci.workspace('2Gi', '/src', storageClass='nfs', accessModes='ReadWriteMany', retain=false)),
]
