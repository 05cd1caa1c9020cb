// kayci.libsonnet: constructors and mixins for Pipelines and Triggers.
//
//   local ci = import 'kayci.libsonnet';
//   ci.pipeline('web', params=['git_sha'], jobs=[
//     ci.job('test', ci.script('golang:1.26', 'go test ./...')),
//     ci.job('build', ci.script('golang:1.26', 'go build ./...'), needs=['test'])
//       + ci.resources(requests={ cpu: '1', memory: '1Gi' }),
//   ])
//
// Everything is a plain object: what has no argument here is reached with +, as
// in `ci.pipeline(...) + { spec+: { ... } }`, `ci.job(...) + ci.pod({ hostUsers:
// false })` or `ci.script(...) + { workingDir: '/src' }`.
//
// A Run's parameters arrive in every container as environment variables: the
// parameter git_sha is "$KAYCI_GIT_SHA". Write the quotes, and never build a
// script from data: what an event carries is chosen by whoever caused it.
//
// The text of a ci.script runs as it is written. In what else stands in a command,
// arguments or the value of a variable Kubernetes expands $(NAME) and takes $$ for
// $, and ci.verbatim(text) is what gives the text.
{
  local ci = self,
  local apiVersion = 'kayci.dev/v1alpha1',
  local items(x) = if std.isArray(x) then x else [x],
  local template(work) = { spec: { template: { spec:
    if std.isArray(work) then ci.steps(work)
    else if std.objectHasAll(work, 'stepVolumes') || std.objectHasAll(work, 'keeps') then ci.steps([work])
    else if std.objectHas(work, 'containers') then work
    else { containers: [work] } } } },
  local environment(env) = [{ name: name, value: env[name] } for name in std.objectFields(env)],
  local annotate(name, containers) = { template+: { spec+: { template+: {
    metadata+: { annotations+: { [name]: std.join(',', items(containers)) } },
  } } } },

  // What takes a program as its next argument. Others are asked for by name alone.
  local shells = { sh: ['sh', '-ec'], bash: ['bash', '-ec'], dash: ['dash', '-ec'], ash: ['ash', '-ec'], ksh: ['ksh', '-ec'], zsh: ['zsh', '-ec'],
                   python: ['python', '-c'], python3: ['python3', '-c'], perl: ['perl', '-e'], ruby: ['ruby', '-e'], node: ['node', '-e'], php: ['php', '-r'] },
  local base(path) = local parts = std.split(path, '/'); parts[std.length(parts) - 1],

  // shebang is the words behind the #! that a script begins with, without
  // /usr/bin/env.
  local shebang(script) =
    local own = if std.startsWith(script, ci.outputFunction) then script[std.length(ci.outputFunction):] else script;
    local text = std.lstripChars(own, ' \t\r\n');
    local line = std.splitLimit(text, '\n', 1)[0];
    local words = [word for word in std.split(std.strReplace(std.rstripChars(line[2:], '\r'), '\t', ' '), ' ') if word != ''];
    if !std.startsWith(text, '#!') then []
    else if words != [] && base(words[0]) == 'env' then [word for word in words[1:] if word != '-S']
    else words,

  // interpreter is the shell with the flags of the script's shebang, which has to
  // name the same program: the kernel, which reads a shebang, never sees the script.
  local interpreter(step, script, shell) =
    local words = shebang(script);
    local at = [i for i in std.range(0, std.length(shell) - 1) if words != [] && base(shell[i]) == base(words[0])];
    local flags = words[1:];
    if words == [] then shell
    else if at != [] && std.all([std.startsWith(flag, '-') for flag in flags]) then shell[:at[0] + 1] + flags + shell[at[0] + 1:]
    else
      local name = base(words[0]);
      local advice = if std.objectHas(shells, name) then std.strReplace(std.toString(shells[name]), '"', "'")
      else "['%s', …], with the flag that has it take a program as its next argument" % name;
      error "ci.script %s: the script begins with #!%s, but %s would run it: add shell=%s, or take the line out"
            % [step, std.join(' ', words), std.join(' ', shell), advice],

  // pipeline makes a Pipeline. jobs run in the order of their `needs`. A param is
  // a name, or an object as ci.param makes. retention is { maxCount,
  // maxFailed, minAge, maxAge }; without it the newest 10 failed Runs, the newest 10
  // others and all of the last hour are kept, and {} keeps all. workspace is
  // a volume that the jobs share, as ci.workspace makes it; services are pods that
  // they use, as ci.service makes them. timeout bounds a whole Run, from its first
  // Job's creation; pendingTimeout how long a job or service may be unable to start.
  // failFast ends a Run with the first failure; maxParallel bounds how many of its
  // jobs run at a time. concurrency bounds how many Runs there are at a time, as
  // ci.concurrency makes it; notifiers tell of a Run, as ci.notifier makes them.
  // finally are jobs that start when all others have ended, however they have;
  // finallyTimeout bounds them.
  pipeline(name, jobs, params=[], retention=null, workspace=null, services=[], timeout=null, pendingTimeout=null, concurrency=null, notifiers=[], failFast=false, maxParallel=null, finally=[], finallyTimeout=null):: {
    apiVersion: apiVersion,
    kind: 'Pipeline',
    metadata: { name: name },
    spec: {
      [if params != [] then 'params']: [if std.isString(p) then ci.param(p) else p for p in params],
      jobs: jobs + [job { finally: true } for job in items(finally)],
      [if services != [] then 'services']: services,
      [if workspace != null then 'workspace']: workspace,
      [if maxParallel != null then 'maxParallel']: maxParallel,
      [if failFast then 'failFast']: true,
      [if timeout != null then 'timeout']: timeout,
      [if finallyTimeout != null then 'finallyTimeout']: finallyTimeout,
      [if pendingTimeout != null then 'pendingTimeout']: pendingTimeout,
      [if concurrency != null then 'concurrency']: concurrency,
      [if retention != null then 'retention']: retention,
      [if notifiers != [] then 'notifiers']: notifiers,
    },
  },

  // param declares a parameter. Without a default a Run must carry it. enum lists
  // the values that are allowed; pattern is a regular expression (RE2) that the
  // whole value must match.
  param(name, default=null, description=null, enum=[], pattern=null):: {
    name: name,
    [if description != null then 'description']: description,
    [if default != null then 'default']: default,
    [if enum != [] then 'enum']: enum,
    [if pattern != null then 'pattern']: pattern,
  },

  // concurrency lets limit Runs of the same key run at a time. key is a CEL
  // expression that gives a string, as in 'params.branch', 'run.ref', or '"deploy"'
  // for all Runs. policy says what becomes of a Run that finds no place: Queue, it
  // waits; Replace, it waits and the oldest ones are cancelled for it; Skip, it is
  // cancelled. group is a name: pipelines that give the same one share their keys,
  // or, without a key, wait for each other in all.
  concurrency(key=null, limit=1, policy='Queue', group=null):: {
    [if key != null then 'key']: key,
    [if group != null then 'group']: group,
    limit: limit,
    policy: policy,
  },

  // job is one node of the graph. work is a step (ci.script, ci.step), a list of
  // steps (see ci.steps), or a pod spec. needs names earlier jobs of the pipeline,
  // in a list or, if it is one, alone. timeout bounds one attempt, from its pod's
  // start. when is the field `if`, a reserved word in jsonnet: a CEL expression that
  // must be true. allowFailure has its failure not count. outputs, in a list or, if
  // it is one, alone, are those that it has to leave.
  job(name, work, needs=[], timeout=null, when=null, allowFailure=false, outputs=[]):: {
    name: name,
    [if needs != [] then 'needs']: items(needs),
    [if when != null then 'if']: when,
    [if timeout != null then 'timeout']: timeout,
    [if allowFailure then 'allowFailure']: true,
    [if outputs != [] then 'outputs']: items(outputs),
    template: template(work),
  },

  // service is a pod that jobs use, for as long as the Run lasts: they find its
  // first port at "$KAYCI_SERVICE_<NAME>", as host:port. ports is a number, or a
  // list of numbers and { name, port }. work is what it is for a job. The jobs start
  // when probe, a readiness probe of the first container, has passed: by default,
  // when the first port takes connections.
  service(name, work, ports, probe=null)::
    local list = [if std.isNumber(port) then { port: port } else port for port in items(ports)];
    local ready = if probe != null then probe else { tcpSocket: { port: list[0].port }, periodSeconds: 1 };
    {
      name: name,
      ports: list,
      template: template(work),
    } + ci.pod({
      containers: [
        super.containers[i] + (if i == 0 && !std.objectHas(super.containers[i], 'readinessProbe') then { readinessProbe: ready } else {})
        for i in std.range(0, std.length(super.containers) - 1)
      ],
    }),

  // script is a step that runs a shell script, character for character. shell is the
  // command that takes the script as its last argument; it stops at the first command
  // that fails. For another language it is shell=['python3', '-c'] or the like: a
  // script that begins with #! and another program is refused.
  script(image, script, shell=['sh', '-ec'], name='main', env={})::
    ci.step(name, image, command=std.map(ci.verbatim, interpreter(name, script, items(shell)) + [script]), env=env),

  // verbatim is the text that a program has to be given for it to get this text: in
  // command, args, the exec of a probe and the value of a variable, Kubernetes expands
  // $(NAME) and takes $$ for $. It does neither in lifecycle hooks.
  verbatim(text):: std.strReplace(text, '$', '$$'),

  // outputFunction is the text of a shell function for the beginning of a script:
  // `output NAME VALUE` hands a value to later jobs, which read it as
  // "$KAYCI_OUTPUT_<JOB>_<NAME>". It needs sed.
  outputFunction::
    // JSON takes no control character as it is, and POSIX knows them in no pattern of
    // sed but as themselves, which printf makes.
    local controls = std.join(';', [@'s/\%03o/\\\\u%04x/g' % [c, c] for c in std.range(1, 31) if c != 10]);
    |||
      output() {
        outputs="${outputs:+$outputs,}\"$1\":\"$(printf '%%s\n' "$2" | LC_ALL=C sed -e ':a' -e '$!{' -e 'N' -e 'ba' -e '}' -e 's/\\/\\\\/g;s/"/\\"/g;s/\n/\\n/g' -e "$(printf '%s')")\""
        printf '{%%s}' "$outputs" > /dev/termination-log
      }
    ||| % controls,

  // step is a step that runs a command, or what the image runs by itself. Kubernetes
  // expands $(NAME) in its words: see ci.verbatim and ci.expandParams.
  step(name, image, command=null, args=null, env={}):: {
    name: name,
    image: image,
    [if command != null then 'command']: items(command),
    [if args != null then 'args']: items(args),
    [if env != {} then 'env']: environment(env),
  },

  // checkout is a step that fetches a commit with git and writes its files into the
  // folder that the steps share, or into dir below it, which has to be empty. url is
  // https, ssh or http; sha is a commit's whole hash, or a branch, tag or ref, as it is
  // then. By default they are the parameters git_url and git_sha. Both may hold $(KAYCI_…):
  // they are variables of the step.
  //
  // secret names the Secret with the credentials, which this step alone gets; host is the
  // one that they are sent to, which has to be said where a parameter chooses the URL.
  // http=true lets them be sent over http. depth is how many commits of history, 0 for
  // all; tags fetches all tags. paths are folders to write instead of all. ref is the
  // branch to look for the commit in, at a host that lets nobody fetch it by its hash.
  // submodules checks them out, too. lfs fetches files of Git LFS, which else stay
  // pointers. merge is a branch: what is written is the commit
  // merged into it, as it is then, and a conflict is a failure.
  // mirror is a volume with a mirror of the repository in the folder mirrorPath, from which
  // is copied what it has: the name of a claim, or a volume without its name, as in { nfs: … }.
  // output is the job's output that the commit is left as. timeout bounds the step, 15m
  // by default. user is who the files belong to, if not who the pod runs as.
  checkout(url='$(KAYCI_GIT_URL)', sha='$(KAYCI_GIT_SHA)', dir='.', secret=null, host=null, http=false, depth=1, tags=false, paths=[], ref=null, submodules=false, lfs=false, merge=null, mirror=null, mirrorPath='.', output=null, timeout=null, user=null, name=null)::
    local folder = std.join('-', [word for word in std.split(std.join('', [
      if std.member('abcdefghijklmnopqrstuvwxyz0123456789', c) then c else '-'
      for c in std.stringChars(std.asciiLower(dir))
    ]), '-') if word != '']);
    local step = if name != null then name else if folder == '' then 'checkout' else 'checkout-' + folder;
    local refuse(why) = error 'ci.checkout %s: %s' % [step, why];
    local chosen(text) = std.length(std.findSubstr('$(', text)) > 0;
    local rest = if std.member(url, '@') then url[std.findSubstr('@', url)[0] + 1:] else std.split(url, '://')[1];
    local recipient = if host != null then host else std.split(rest, '/')[0];
    local credentials = { name: 'git-' + std.md5(secret)[:10], secret: { secretName: secret } };
    local copies =
      local source = if std.isString(mirror) then { persistentVolumeClaim: { claimName: mirror } } else mirror;
      { name: 'mirror-' + std.md5(std.manifestJsonMinified(source))[:10] } + source;
    local outside(path) = std.startsWith(path, '/') || std.member(std.split(path, '/'), '..');
    if !chosen(url) && !std.any([std.startsWith(url, scheme + '://') for scheme in ['https', 'ssh', 'http']]) then
      refuse("the url must begin with https://, ssh:// or http://, or be a parameter: '$(KAYCI_GIT_URL)'")
    else if secret != null && host == null && chosen(url) then
      refuse("whoever chooses the url chooses where the credentials go: say which host they are for, as in host='git.example.com'")
    else if secret == null && (host != null || http) then
      refuse('host and http are about credentials: name their secret')
    else if std.startsWith(url, 'ssh://') && secret == null then
      refuse('ssh:// needs a secret with the keys identity and known_hosts')
    else if std.startsWith(url, 'http://') && secret != null && !http then
      refuse('credentials are not sent over http://, where everybody on the way reads them: use https://, or allow it with http=true')
    else if !std.isNumber(depth) || depth < 0 || depth != std.floor(depth) then
      refuse('depth is how many commits, or 0 for all of them')
    else if outside(dir) then
      refuse("dir lies below the folder that the steps share, as in dir='src'")
    else if mirror == null && mirrorPath != '.' then
      refuse('mirrorPath is a folder of a mirror: say which volume that is')
    else if outside(mirrorPath) then
      refuse("mirrorPath lies in the mirror's volume, as in mirrorPath='acme/web.git'")
    else if mirror != null && items(paths) != [] then
      refuse('a mirror gives all files, and with paths but some are fetched: leave out one of the two')
    else if ci.gitImage == '' then
      refuse("which image has git can't be told from KayCI's own, whose name ends in a digest: set gitImage of KayCI's chart, or the ConfigRepo's var kayci.gitImage")
    else ci.step(
      step,
      ci.gitImage,
      args=std.map(
        ci.verbatim,
        ['checkout', '--dir=' + dir]
        + (if depth != 1 then ['--depth=%d' % depth] else [])
        + (if tags then ['--tags'] else [])
        + ['--path=' + path for path in items(paths)]
        + (if submodules then ['--submodules'] else [])
        + (if lfs then ['--lfs'] else [])
        + (if secret != null then ['--secret=/git-secret', '--host=' + recipient] else [])
        + (if http then ['--http'] else [])
        + (if mirror != null then ['--mirror=/git-mirror/' + mirrorPath] else [])
        + (if output != null then ['--output=' + output] else [])
        + (if timeout != null then ['--timeout=' + timeout] else [])
      ),
      env={ CHECKOUT_URL: url, CHECKOUT_SHA: sha, [if ref != null then 'CHECKOUT_REF']: ref, [if merge != null then 'CHECKOUT_MERGE']: merge },
    ) {
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
        [if user != null then 'runAsUser']: user,
        [if user != null then 'runAsGroup']: user,
      },
      [if secret != null || mirror != null then 'volumeMounts']:
        (if secret != null then [{ name: credentials.name, mountPath: '/git-secret', readOnly: true }] else [])
        + (if mirror != null then [{ name: copies.name, mountPath: '/git-mirror', readOnly: true }] else []),
      stepVolumes:: (if secret != null then [credentials] else []) + (if mirror != null then [copies] else []),
      gitStep:: true,
    },

  // What a first step and the sidecar have in common: they show the store a token that
  // nothing else of the pod has, and share a folder of notes.
  local storeMounts = [
    { name: 'kayci-token', mountPath: '/kayci-token', readOnly: true },
    { name: 'kayci-keep', mountPath: '/kayci-keep' },
  ],
  local storeVolumes = [
    { name: 'kayci-token', projected: { sources: [{ serviceAccountToken: { audience: 'kayci-store', expirationSeconds: 3600, path: 'token' } }] } },
    { name: 'kayci-keep', emptyDir: { sizeLimit: '16Mi' } },
  ],
  local storeUser(user) = {
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      [if user != null then 'runAsUser']: user,
      [if user != null then 'runAsGroup']: user,
    },
  },
  local needsStore(what) =
    if ci.store == '' then error "%s: there is no store to keep it in: set store.enabled of KayCI's chart, or the ConfigRepo's var kayci.store" % what else ci.store,
  local storeStep(what, name, args, user, env={}) =
    ci.step(name, ci.image, args=[args[0], '--store=' + needsStore(what)] + std.map(ci.verbatim, args[1:]), env=env) + storeUser(user) {
      resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '512Mi' } },
      volumeMounts: storeMounts,
      stepVolumes:: storeVolumes,
    },
  local isLabel(name) = std.length(name) <= 40 && std.length(name) > 0 && std.all([
    std.member('abcdefghijklmnopqrstuvwxyz0123456789-', c) for c in std.stringChars(name)
  ]) && !std.startsWith(name, '-') && !std.endsWith(name, '-'),

  // artifacts keeps files of the folder that the steps share in the store, under a name,
  // once the job's containers have ended: paths are patterns as dist/** or !dist/tmp/**.
  // It stands among the steps of a job, at any place. Unless when='always' a job that
  // has failed keeps none. What can't be kept fails the job.
  artifacts(name, paths, when='success')::
    if !isLabel(name) then error 'ci.artifacts: %s must be up to 40 small letters, digits and dashes' % name
    else if when != 'success' && when != 'always' then error "ci.artifacts %s: when is 'success' or 'always'" % name
    else { what:: 'ci.artifacts ' + name, keeps:: ['--artifact=' + std.manifestJsonMinified({ name: name, paths: items(paths), when: when })] },

  // junit reads test results from files of JUnit XML, as reports/**/*.xml, or of what
  // go test -json prints, once the job's containers have ended, however they have. It stands among the steps of a job.
  junit(paths):: { what:: 'ci.junit', keeps:: ['--junit=' + path for path in items(paths)] },

  // fetch is a step that brings an artifact of an earlier job into the folder that the
  // steps share, or into dir below it. The job has to be among those that this one needs.
  // user is who the files belong to, if not who the pod runs as.
  fetch(job, name, dir='.', user=null)::
    if std.startsWith(dir, '/') || std.member(std.split(dir, '/'), '..') then error "ci.fetch %s: dir lies below the folder that the steps share, as in dir='dist'" % name
    else storeStep('ci.fetch ' + name, 'fetch-' + name, ['fetch', '--job=' + job, '--name=' + name, '--dir=' + dir], user),

  // cache is a step that restores files of an earlier Run into the folder that the steps
  // share, and has them saved at the job's end if it has succeeded and the key is new. The
  // content of keyFiles becomes a part of the key; key may hold $(KAYCI_…). Where the key
  // isn't there, the newest cache whose key begins with one of restoreKeys does. paths are
  // patterns. A cache that is missing or broken fails nothing. name tells several apart.
  cache(key, paths, restoreKeys=[], keyFiles=[], name='cache', user=null)::
    if !isLabel(name) then error 'ci.cache: the name %s must be up to 40 small letters, digits and dashes' % name
    else storeStep(
      'ci.cache ' + name, name,
      ['cache', '--name=' + name] + ['--restore-key=' + k for k in items(restoreKeys)] + ['--key-file=' + f for f in items(keyFiles)],
      user, env={ CACHE_KEY: key },
    ) {
      what:: 'ci.cache ' + name,
      keeps:: ['--cache=' + std.manifestJsonMinified({ name: name, paths: items(paths) })],
    },

  // keeper is the sidecar that keeps what steps say. Its pod's grace period is time for it.
  local keeper(keeping, workspace) = storeUser(null) {
    name: 'kayci-keep',
    image: ci.image,
    args: ['keep', '--store=' + needsStore(keeping[0].what), '--timeout=%ds' % ci.keepSeconds]
          + std.map(ci.verbatim, std.flattenArrays([step.keeps for step in keeping])),
    restartPolicy: 'Always',
    workingDir: workspace,
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '512Mi' } },
    volumeMounts: [{ name: 'workspace', mountPath: workspace }] + storeMounts,
  },

  // keepSeconds is how long the sidecar may take to keep what a job leaves. The pod's grace
  // period is that and 30 seconds, unless the job's pod has another.
  keepSeconds:: 120,

  // steps runs several containers one after the other in one pod: each but the
  // last is an init container. They share a folder, which is also where they start
  // and which goes with the pod. Steps named main, but for the last, become step-1,
  // step-2 and so on. A step's own workingDir wins. Beside a ci.checkout the git of the
  // other steps takes the folder for its own, whoever has written it.
  steps(all, workspace='/workspace')::
    local keeping = [step for step in all if std.objectHasAll(step, 'keeps')];
    local steps = [step for step in all if std.objectHas(step, 'image')];
    local last = std.length(steps) - 1;
    local helpers = [step for step in steps if std.objectHasAll(step, 'stepVolumes')];
    local checkouts = [step for step in helpers if std.objectHasAll(step, 'gitStep')];
    local own = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
    local trusts(step) = checkouts != [] && !std.objectHasAll(step, 'stepVolumes')
                         && !std.any([std.startsWith(variable.name, 'GIT_CONFIG_') for variable in std.get(step, 'env', [])]);
    local volumes = std.flattenArrays([step.stepVolumes for step in helpers]) + (if keeping != [] then storeVolumes else []);
    local sidecar = if keeping == [] then [] else [keeper(keeping, workspace)];
    local shared(i) = steps[i] {
      [if trusts(steps[i]) then 'env']+: environment(own),
      [if i < last && steps[i].name == 'main' then 'name']: 'step-%d' % (i + 1),
      workingDir: if 'workingDir' in super then super.workingDir else workspace,
      volumeMounts+: [{ name: 'workspace', mountPath: workspace }],
    };
    assert last >= 0 : 'ci.steps needs at least one step';
    {
      [if last > 0 || keeping != [] then 'initContainers']: sidecar + [shared(i) for i in std.range(0, last - 1)],
      containers: [shared(last)],
      volumes: [{ name: 'workspace', emptyDir: {} }] + std.set(volumes, function(volume) volume.name),
      [if keeping != [] then 'terminationGracePeriodSeconds']: ci.keepSeconds + 30,
    },

  // workspace is a volume of this size for each Run, which every container of every
  // job mounts. The folder is not the one of ci.steps, which goes with its pod.
  // Without accessModes the volume is ReadWriteOnce, and the Run's pods stay on one
  // node. With retain=false it goes at the Run's end, and not with the Run.
  workspace(size, mountPath='/shared', storageClass=null, accessModes=null, retain=null):: {
    mountPath: mountPath,
    [if retain != null then 'retain']: retain,
    volumeClaimTemplate: { spec: {
      [if accessModes != null then 'accessModes']: items(accessModes),
      [if storageClass != null then 'storageClassName']: storageClass,
      resources: { requests: { storage: size } },
    } },
  },

  // image is KayCI's own. It is that of the controller that syncs the files; the
  // ConfigRepo's var `kayci.image` replaces it.
  image:: std.extVar('kayci.image'),

  // gitImage is KayCI's own with git in it, which ci.checkout runs: the tag of the other
  // with -git behind it, unless KayCI's chart says another, or the ConfigRepo's var
  // `kayci.gitImage`.
  gitImage:: std.extVar('kayci.gitImage'),

  // store is where artifacts, test reports and caches are kept: the address of the store
  // within the cluster, which the chart says, or the ConfigRepo's var `kayci.store`. Blank:
  // there is none.
  store:: std.extVar('kayci.store'),

  // notifier has a constructor for each way to tell of a Run: a Job of its own for
  // each of the phases in on, which are Queued, Running, Succeeded, Failed and
  // Cancelled. The first three run `kayci notify` with the address that stands in
  // the key `url` of a Secret. title replaces the beginning of the message. The
  // mixins for jobs do for notifiers, too.
  notifier: {
    local ended = ['Succeeded', 'Failed', 'Cancelled'],
    local notify(name, secret, on, title, flags) = ci.notifier.job(name, {
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [{
        name: 'notify',
        image: ci.image,
        args: ['notify', '--url-file=/notify/url'] + flags
              + (if title != null then ['--title=' + ci.verbatim(title)] else []),
        resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '128Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        },
        volumeMounts: [{ name: 'address', mountPath: '/notify', readOnly: true }],
      }],
      volumes: [{ name: 'address', secret: { secretName: secret, items: [{ key: 'url', path: 'url' }] } }],
    }, on),

    // slack posts to a Slack incoming webhook, or to another chat that takes them.
    slack(name, secret, on=ended, title=null):: notify(name, secret, on, title, ['--format=slack']),
    // email sends by smtps:// or smtp://, which also holds the sender and receivers.
    email(name, secret, on=ended, title=null):: notify(name, secret, on, title, []),
    // webhook posts JSON, with all of the Run's parameters.
    webhook(name, secret, on=ended, title=null):: notify(name, secret, on, title, ['--format=json']),
    // job is any other work, as in ci.job: it reads "$KAYCI_RUN_PHASE",
    // "$KAYCI_RUN_MESSAGE" and "$KAYCI_FAILED_JOBS".
    job(name, work, on=ended):: ci.job(name, work) { phases: items(on) },
  },

  // trigger has a constructor for each webhook provider, and for what else starts
  // Runs. secret names the Secret whose key `token` signs the requests. params are CEL
  // expressions over event and body. when is the field `if`, a reserved word in
  // jsonnet: a CEL expression that must be true. The others bound which of a git
  // host's events start a Run, each a list, or one of what it lists: events, actions,
  // branches, tags, paths, pathsIgnore and labels. With drafts=false pull requests that
  // are drafts start none. forks is Ignore, RequireApproval or Run.
  trigger: {
    local trigger(name, pipeline, source, params) = {
      apiVersion: apiVersion,
      kind: 'Trigger',
      metadata: { name: name },
      spec: { pipeline: pipeline, [if params != {} then 'params']: params } + source,
    },
    local webhook(provider, name, pipeline, secret, params, when, drafts=null, forks=null, filters={}) =
      trigger(name, pipeline, { webhook: {
        provider: provider,
        secretRef: { name: secret },
        [if drafts != null then 'drafts']: if drafts then 'Run' else 'Ignore',
        [if forks != null then 'forks']: forks,
        [if when != null then 'if']: when,
      } + { [filter]: items(filters[filter]) for filter in std.objectFields(filters) if filters[filter] != null } }, params),
    local gitHost(provider) =
      function(name, pipeline, secret, events=null, branches=null, params={}, when=null, actions=null, tags=null, paths=null, pathsIgnore=null, labels=null, drafts=null, forks=null)
        webhook(provider, name, pipeline, secret, params, when, drafts, forks, {
          events: events,
          actions: actions,
          branches: branches,
          tags: tags,
          paths: paths,
          pathsIgnore: pathsIgnore,
          labels: labels,
        }),

    github:: gitHost('github'),
    gitlab:: gitHost('gitlab'),
    // gitea is for Forgejo, too.
    gitea:: gitHost('gitea'),
    // bitbucket is for bitbucket.org, and bitbucketServer for Bitbucket Data Center.
    bitbucket:: gitHost('bitbucket'),
    bitbucketServer:: gitHost('bitbucket-server'),
    // generic takes any request with the Secret's token as its bearer token. The
    // fields of its JSON body are parameters. each is a CEL expression that takes the body
    // apart into a list of bodies, delivery one that names each by what stands in it.
    generic(name, pipeline, secret, params={}, when=null, each=null, delivery=null)::
      webhook('generic', name, pipeline, secret, params, when) + { spec+: { webhook+: {
        [if each != null then 'each']: each,
        [if delivery != null then 'delivery']: delivery,
      } } },

    // registries say of each kind of registry how its request tells of pushes: a list of
    // { repository, tag }, with the digest and with an id that is the same when the
    // request is sent again, where the registry tells them.
    local registries = {
      distribution: {
        tells: ['repository', 'tag', 'digest', 'id'],
        each: |||
          body.events.filter(e, e.action == 'push' && e.target.?tag.orValue('') != '').map(e,
            {'repository': e.target.repository, 'tag': e.target.tag, 'digest': e.target.digest, 'id': e.id})
        |||,
      },
      // Harbor has two formats, of which CloudEvents has the data under another name. What is
      // pushed without a tag has its digest for one.
      harbor: {
        local data = '(has(body.data) ? body.data : body.event_data)',
        tells: ['repository', 'tag', 'digest', 'id'],
        each: |||
          %(data)s.?resources.orValue([]).filter(r,
            body.type in ['PUSH_ARTIFACT', 'harbor.artifact.pushed'] && !r.tag.contains(':')).map(r,
            {'repository': %(data)s.repository.repo_full_name, 'tag': r.tag, 'digest': r.digest,
             'id': has(body.id) ? body.id : string(body.occur_at) + '/' + r.digest})
        ||| % { data: data },
      },
      quay: {
        tells: ['repository', 'tag'],
        each: "body.?updated_tags.orValue([]).map(t, {'repository': body.repository, 'tag': t})\n",
      },
      dockerhub: {
        tells: ['repository', 'tag', 'id'],
        each: "[{'repository': body.repository.repo_name, 'tag': body.push_data.tag, 'id': string(body.push_data.pushed_at)}]\n",
      },
    },
    // among is a CEL expression: the field is one of the names or globs, of which * stops
    // at a slash, ** doesn't, and ? is one character.
    local among(field, patterns) =
      local known = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/*?';
      local expression(pattern) =
        assert std.all([std.member(known, c) for c in std.stringChars(pattern)]) : "ci.trigger.image: '%s' is no name or glob of %s" % [pattern, field];
        std.join('.*', [std.join('[^/]*', std.split(std.strReplace(std.strReplace(part, '.', '\\.'), '?', '[^/]'), '*')) for part in std.split(pattern, '**')]);
      "body.%s.matches(r'^(?:%s)$')" % [field, std.join('|', [expression(pattern) for pattern in items(patterns)])],

    // image starts a Run for each tag that is pushed to a registry: distribution, harbor,
    // quay or dockerhub. secret names the Secret with the token that the registry sends.
    // repositories and tags are names or globs, lists or one each. params and when are CEL
    // expressions over body.repository, body.tag and, of distribution and Harbor,
    // body.digest; by default these are the parameters.
    image(name, pipeline, registry, secret, repositories=null, tags=null, params={}, when=null)::
      assert std.objectHas(registries, registry) : "ci.trigger.image: registry is '%s', but must be one of %s" % [registry, std.join(', ', std.objectFields(registries))];
      local conditions = (if repositories != null then [among('repository', repositories)] else [])
                         + (if tags != null then [among('tag', tags)] else [])
                         + (if when != null then ['(%s)' % when] else []);
      local tells = registries[registry].tells;
      local all = { [field]: 'body.' + field for field in tells if field != 'id' };
      ci.trigger.generic(name, pipeline, secret, if params != {} then params else all,
                         when=if conditions != [] then std.join(' && ', conditions),
                         each=std.rstripChars(registries[registry].each, '\n'),
                         delivery=if std.member(tells, 'id') then "body.id + '/' + body.repository + ':' + body.tag"),
    // schedule starts a Run by the clock: cron is minute, hour, day of the month, month
    // and day of the week, or @daily and the like, in timeZone, UTC by default.
    // startingDeadline is how late a Run may be; jitter bounds what delays it. params
    // are CEL expressions over time, what the Run is started for.
    schedule(name, pipeline, cron, timeZone=null, startingDeadline=null, jitter=null, params={})::
      trigger(name, pipeline, { schedule: {
        cron: cron,
        [if timeZone != null then 'timeZone']: timeZone,
        [if startingDeadline != null then 'startingDeadline']: startingDeadline,
        [if jitter != null then 'jitter']: jitter,
      } }, params),
    // run starts a Run when one of the pipeline `after` has ended in one of the phases,
    // a list or one: Succeeded, by default, Failed or Cancelled. params and when are CEL
    // expressions over run, which has ended. With forks=true Runs of pull requests from
    // forks start others, too.
    run(name, pipeline, after, phases=null, params={}, when=null, forks=false)::
      trigger(name, pipeline, { run: {
        pipeline: after,
        [if phases != null then 'phases']: items(phases),
        [if when != null then 'if']: when,
        [if forks then 'forks']: 'Run',
      } }, params),
    // poll starts a Run when a look at the repository, each interval, finds that a
    // branch or tag has moved: names or globs, lists or one each. Default: the branch
    // that the repository's HEAD names. secret names the Secret with the credentials.
    // params are CEL expressions over event.
    poll(name, pipeline, url, secret=null, interval=null, branches=null, tags=null, params={})::
      trigger(name, pipeline, { poll: {
        url: url,
        [if secret != null then 'secretRef']: { name: secret },
        [if interval != null then 'interval']: interval,
        [if branches != null then 'branches']: items(branches),
        [if tags != null then 'tags']: items(tags),
      } }, params),
    // resource starts a Run when an object of a kind has changed: any of the namespace, or
    // the one called object, or those whose labels are as in selector, { team: 'web' }.
    // events are Added, Updated and Deleted, a list or one; default: the first two. Runs
    // start minInterval apart at least. params and when are CEL expressions over object,
    // oldObject, which is null where it isn't known, and event.
    resource(name, pipeline, apiVersion, kind, object=null, selector=null, events=null, params={}, when=null, minInterval=null)::
      trigger(name, pipeline, { resource: {
        apiVersion: apiVersion,
        kind: kind,
        [if object != null then 'name']: object,
        [if selector != null then 'selector']: { matchLabels: selector },
        [if events != null then 'events']: items(events),
        [if when != null then 'if']: when,
        [if minInterval != null then 'minInterval']: minInterval,
      } }, params),
  },

  // report is for a trigger: ci.trigger.github(…) + ci.report('token'). The git host
  // shows the state of its Runs at their commits. secret names the Secret with the
  // host's token. api is the address of the host's API, context the status's name, and
  // url a page about the Run, with {run} and {namespace} in it. logs says whether the end
  // of what failed jobs have printed leaves the cluster.
  report(secret, api=null, context=null, url=null, logs=null):: {
    spec+: {
      report: {
        secretRef: { name: secret },
        [if api != null then 'api']: api,
        [if context != null then 'context']: context,
        [if url != null then 'url']: url,
        [if logs != null then 'logs']: logs,
      },
    },
  },

  // Mixins: add them to a job or a service. They can be combined with each other and repeated.

  // eachJob adds a mixin to every job of a pipeline, or to the named ones.
  eachJob(mixin, names=null):: {
    spec+: {
      jobs: [
        if names == null || std.member(names, job.name) then job + mixin else job
        for job in super.jobs
      ],
    },
  },

  // pod adds to the pod's spec.
  pod(mixin):: { template+: { spec+: { template+: { spec+: mixin } } } },

  // eachContainer adds to every container and init container.
  eachContainer(mixin):: ci.pod({
    containers: [c + mixin for c in super.containers],
    initContainers: if 'initContainers' in super then [c + mixin for c in super.initContainers] else [],
  }),

  // timeout bounds one attempt of the job, from its pod's start.
  timeout(duration):: { timeout: duration },

  // approval has the job wait for a person who may approve Runs. message is the
  // question, timeout how long it waits for an answer.
  approval(message=null, timeout=null):: {
    approval: {
      [if message != null then 'message']: message,
      [if timeout != null then 'timeout']: timeout,
    },
  },

  // allowFailure has the job's failure not count, for the jobs behind it or the Run.
  allowFailure():: { allowFailure: true },

  // when has the job start only if a CEL expression is true.
  when(condition):: { 'if': condition },

  // retries lets the job be tried again after its program failed.
  retries(count):: { template+: { spec+: { backoffLimit: count } } },

  // resources of every container, as in { cpu: '500m', memory: '1Gi' }.
  resources(requests={}, limits={}):: ci.eachContainer({
    resources+: {
      [if requests != {} then 'requests']+: requests,
      [if limits != {} then 'limits']+: limits,
    },
  }),

  // restricted makes the pod one that the restricted level of Pod Security admits,
  // for programs that need no privileges. It runs as this user and group, who may
  // write to its volumes.
  restricted(user=65532):: ci.pod({
    securityContext+: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }) + ci.eachContainer({
    securityContext+: { allowPrivilegeEscalation: false, capabilities+: { drop: ['ALL'] } },
  }),

  // env sets environment variables in every container.
  env(env):: ci.eachContainer({ env+: environment(env) }),

  // secretEnv sets environment variables from a Secret in every container: all of
  // its keys, or those of keys, which has the key for each variable's name.
  secretEnv(secret, keys=null):: ci.eachContainer(
    if keys == null then { envFrom+: [{ secretRef: { name: secret } }] }
    else { env+: [
      { name: name, valueFrom: { secretKeyRef: { name: secret, key: keys[name] } } }
      for name in std.objectFields(keys)
    ] }
  ),

  // secretFiles mounts a Secret's keys as files in every container.
  secretFiles(secret, mountPath)::
    ci.volume('secret-' + std.md5(secret + ':' + mountPath)[:10], { secret: { secretName: secret } }, mountPath, readOnly=true),

  // volume mounts a volume in every container. source is a volume without its
  // name, as in { emptyDir: {} }.
  volume(name, source, mountPath, readOnly=false)::
    ci.pod({ volumes+: [{ name: name } + source] })
    + ci.eachContainer({
      volumeMounts+: [{ name: name, mountPath: mountPath, [if readOnly then 'readOnly']: true }],
    }),

  // mountWorkspace mounts the Run's workspace in the named containers alone, or, of
  // an empty list, in none.
  mountWorkspace(containers):: annotate('kayci.dev/mount-workspace', containers),

  // expandParams says that the programs of the named containers take their arguments
  // for data alone, whatever stands in them, so that $(KAYCI_…) may stand there. Not
  // for a program that runs an argument, as sh -c, su -c, awk and find -exec do.
  expandParams(containers):: annotate('kayci.dev/expand-params', containers),

  // imagePullSecret lets the pod pull from a private registry.
  imagePullSecret(secret):: ci.pod({ imagePullSecrets+: [{ name: secret }] }),

  // serviceAccount has the pod run as an account, with its token mounted.
  serviceAccount(name):: ci.pod({ serviceAccountName: name }),

  // nodeSelector takes only nodes with these labels.
  nodeSelector(labels):: ci.pod({ nodeSelector+: labels }),

  local expressions(labels) = [
    if labels[key] == true then { key: key, operator: 'Exists' }
    else { key: key, operator: 'In', values: items(labels[key]) }
    for key in std.objectFields(labels)
  ],

  // nodeRequired takes only nodes whose labels have one of the given values: a
  // string, a list, or true for any. Repeated, all must hold.
  nodeRequired(labels):: ci.pod({ affinity+: { nodeAffinity+: {
    requiredDuringSchedulingIgnoredDuringExecution+: {
      nodeSelectorTerms: [
        term { matchExpressions+: expressions(labels) }
        for term in (if 'nodeSelectorTerms' in super then super.nodeSelectorTerms else [{}])
      ],
    },
  } } }),

  // nodePreferred favours such nodes; weight is 1 to 100.
  nodePreferred(labels, weight=50):: ci.pod({ affinity+: { nodeAffinity+: {
    preferredDuringSchedulingIgnoredDuringExecution+: [
      { weight: weight, preference: { matchExpressions: expressions(labels) } },
    ],
  } } }),

  // toleration lets the pod run on nodes with a taint: one of the key, or, with a
  // value, one of the key and value.
  toleration(key, value=null, effect=null):: ci.pod({ tolerations+: [{
    key: key,
    operator: if value == null then 'Exists' else 'Equal',
    [if value != null then 'value']: value,
    [if effect != null then 'effect']: effect,
  }] }),
}
