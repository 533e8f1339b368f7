import { toBinary } from '@bufbuild/protobuf';
import type { DescFile, DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

/** Serves grpc.reflection.v1 and v1alpha for these files and everything that they import. */
export function addReflection(
  server: Server,
  services: readonly DescService[],
  files: readonly DescFile[],
): void {
  const encoded = new Map<string, Buffer>();
  function add(file: DescFile): void {
    if (encoded.has(file.proto.name)) return;
    encoded.set(file.proto.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
    for (const dependency of file.dependencies) add(dependency);
  }
  for (const service of services) add(service.file);
  for (const file of files) add(file);
  // The package is made for proto-loader's definitions but reads nothing of them except the encoded files.
  const definition = {
    all: {
      format: 'Protocol Buffer 3 DescriptorProto',
      type: {},
      fileDescriptorProtos: [...encoded.values()],
    },
  } as unknown as ConstructorParameters<typeof ReflectionService>[0];
  new ReflectionService(definition).addToServer(server);
}
