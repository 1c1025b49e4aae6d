{
  "targets": [
    {
      "target_name": "pcloud_native",
      "sources": [
        "src/addon.c",
        "src/aead-api.c",
        "src/aead-evp.c",
        "src/aead-ipsec-mb.c",
        "src/aead.c",
        "src/api.c",
        "src/checksum.c",
        "src/clock-api.c",
        "src/coalesce.c",
        "src/faults.c",
        "src/keys.c",
        "src/layout-api.c",
        "src/netlink.c",
        "src/network-api.c",
        "src/network-objects.c",
        "src/network-watch.c",
        "src/open.c",
        "src/packet.c",
        "src/packets-api.c",
        "src/plane-api.c",
        "src/plane-data.c",
        "src/plane-listen.c",
        "src/plane.c",
        "src/seal.c",
        "src/segment.c",
        "src/slab.c",
        "src/subscription.c",
        "src/tun.c",
        "src/udp-bind.c",
        "src/udp-receive.c",
        "src/udp-send.c",
        "src/watch.c"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags_c": ["-std=gnu11", "-O3", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-fno-strict-aliasing"],
      "libraries": ["-ldl"]
    }
  ]
}
