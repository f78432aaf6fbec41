"""Generated from protos/flashsale/v1: messages in flash_sale_pb2, stubs in flash_sale_pb2_grpc."""
