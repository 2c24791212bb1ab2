#!/bin/sh
# Stands where the engine expects the plugin of @pulumi/command, and hands over to the stand-in of the project in whose folder the
# engine runs. So every clone on this machine uses its own.
folder=$PWD
while [ -n "$folder" ]; do
  plugin=$folder/infra/plugins/command/pulumi-resource-command
  [ -x "$plugin" ] && exec "$plugin" "$@"
  folder=${folder%/*}
done
echo "the plugin of @pulumi/command on this machine is the stand-in of os2mo-on-prem, and $PWD is not in that project" >&2
echo "  the official one could not be downloaded when that project was set up" >&2
echo "  install the official one with: pulumi plugin install resource command 1.2.1 --reinstall" >&2
exit 1
