if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
	busctl --system --quiet call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig || true
	if [ -S /run/udev/control ]; then
		systemd-hwdb --usr update || true
		udevadm control --reload || true
		udevadm trigger --action=change --subsystem-match=usb --subsystem-match=tty || true
		udevadm settle --timeout=10 || true
	fi
fi
